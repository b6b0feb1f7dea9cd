import pg from 'pg';
import { required } from './environment.ts';

// JSON has one kind of number, and all of the catalogue's fit into it; a date is the text that Postgres writes.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
pg.types.setTypeParser(pg.types.builtins.NUMERIC, Number);
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);

/** The program's connections to the database that DATABASE_URL names. */
export function createPool(): pg.Pool {
  const pool = new pg.Pool({
    connectionString: required('DATABASE_URL'),
    max: 10,
    connectionTimeoutMillis: 5000,
    statement_timeout: 5000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  });
  // An idle connection that dies is replaced; without a listener it would end the program.
  pool.on('error', (error) => console.error(`Postgres: ${error.message}`));
  return pool;
}
