import { Client } from 'pg';

/** Rejects when the database lacks the schema. */
export const holdsProducts = (url: string): Promise<boolean> =>
  query(url, async (client) => {
    const { rows } = await client.query('SELECT EXISTS (SELECT FROM product) AS found');
    return rows[0].found === true;
  });

/** A sentence for the reader when the database that this setting names does not answer; else undefined. */
export async function databaseProblem(setting: string, url: string): Promise<string | undefined> {
  try {
    await query(url, (client) => client.query('SELECT'));
    return undefined;
  } catch (error) {
    // The URL may hold a password; its host and database are enough to know it by.
    const { host, pathname } = new URL(url);
    const reason = error instanceof Error ? error.message || String(error) : error;
    return `${setting} must name a Postgres that answers; ${host}${pathname} does not: ${reason}.`;
  }
}

/** Asks over a connection of its own. */
export async function query<T>(url: string, ask: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  // A connection that breaks rejects the query under way as well.
  client.on('error', () => {});
  await client.connect();
  try {
    return await ask(client);
  } finally {
    await client.end();
  }
}
