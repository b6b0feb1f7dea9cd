import pg from 'pg';

const createReader =
  'CREATE ROLE frontshelf_reader LOGIN; ALTER ROLE frontshelf_reader SET default_transaction_read_only = on';

// Postgres 16 tells being a member of a role from being allowed to act as it.
const canActAsReader = `pg_has_role('frontshelf_reader',
  CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END)`;

/** Another database of the same cluster may be doing the same at this moment. */
const unlessDone = (statements: string) =>
  `DO $$ BEGIN ${statements} EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`;

/**
 * Sees to it that the role frontshelf_reader exists, that the connected role may act as it, and that it
 * can create nothing in this database. Roles belong to the whole cluster, so this is no migration: it runs
 * each time, and changes nothing where all is well. Rejects with the statements that a superuser has to
 * run when the connected role may not.
 */
export async function ensureReaderRole(client: pg.ClientBase): Promise<void> {
  try {
    await client.query(
      unlessDone(`IF to_regrole('frontshelf_reader') IS NULL THEN ${createReader}; END IF;`),
    );
    await client.query(
      unlessDone(`IF NOT ${canActAsReader} THEN GRANT frontshelf_reader TO CURRENT_USER; END IF;`),
    );
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== insufficientPrivilege) throw error;
    const { rows } = await client.query<{ name: string; exists: boolean }>(
      `SELECT quote_ident(current_user) AS name, to_regrole('frontshelf_reader') IS NOT NULL AS exists`,
    );
    const [owner] = rows;
    throw new Error(
      `The role ${owner?.name} may not ${owner?.exists ? 'act as' : 'create'} frontshelf_reader, the role the server reads as; ` +
        `let a superuser run: ${owner?.exists ? '' : `${createReader}; `}GRANT frontshelf_reader TO ${owner?.name};`,
      { cause: error },
    );
  }
  await client.query(`DO $$ BEGIN
    EXECUTE format('REVOKE TEMPORARY, CREATE ON DATABASE %I FROM PUBLIC', current_database());
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  END $$`);
}

const insufficientPrivilege = '42501';
