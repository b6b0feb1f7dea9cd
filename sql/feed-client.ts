/**
 * The connections of a host that follows the change log: one that asks, and one that is woken (LISTEN). Both are made anew
 * whenever they fail or fall silent. The wake-up only saves time: whoever asks now and then misses nothing.
 */
import { Socket } from 'node:net';
import pg from 'pg';
import { type Changes, changeChannel, pruneChanges, readChanges } from './change-feed.ts';
import { readerConnectionString } from './pool.ts';

export interface FeedClient {
  /** The changes since a snapshot. Rejects when there is no answer within the deadline; the next call connects anew. */
  changesSince(snapshot: string | undefined): Promise<Changes>;
  /** Forgets changes older than the retention, and resolves how many. */
  prune(retentionMs: number): Promise<number>;
  close(): Promise<void>;
}

export interface FeedClientOptions {
  readonly connectionString: string;
  /** For each answer, connecting included. */
  readonly timeoutMs: number;
  readonly onWakeUp: () => void;
  /** Whether wake-ups can come. */
  readonly onListening: (isListening: boolean, error?: unknown) => void;
}

interface Connection {
  readonly client: pg.Client;
  /** Without a good-bye, which a server that has fallen silent would not take. */
  destroy(): void;
}

/** A connection that is gone without a word is noticed within this time; until then changes wait for the next look. */
const pingMs = 2000;
const reconnectMs = 250;

export function createFeedClient(options: FeedClientOptions): FeedClient {
  const { connectionString, timeoutMs, onWakeUp, onListening } = options;
  let asking: Promise<Connection> | undefined;
  let listening: Connection | undefined;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  async function connect(name: string): Promise<Connection> {
    const socket = new Socket();
    const client = new pg.Client({
      connectionString: readerConnectionString(connectionString, { statement_timeout: String(timeoutMs) }),
      application_name: name,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      keepAlive: true,
      stream: () => socket,
    });
    // Whoever uses it learns of its end by the query that fails.
    client.on('error', () => {});
    try {
      await client.connect();
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return { client, destroy: () => void socket.destroy() };
  }

  async function ask<T>(question: (client: pg.Client) => Promise<T>): Promise<T> {
    asking ??= connect('frontshelf-feed');
    const current = asking;
    try {
      return await question((await current).client);
    } catch (error) {
      if (asking === current) asking = undefined;
      current.then(
        ({ destroy }) => destroy(),
        () => {},
      );
      throw error;
    }
  }

  async function listen(): Promise<void> {
    try {
      listening = await connect('frontshelf-listen');
      if (isClosed) return listening.destroy();
      const { client } = listening;
      client.on('notification', onWakeUp);
      await client.query(`LISTEN ${changeChannel}`);
      onListening(true);
      // What was committed before could wake nobody.
      onWakeUp();
      while (!isClosed) {
        await pause(pingMs);
        await client.query('SELECT');
      }
    } catch (error) {
      if (isClosed) return;
      onListening(false, error);
      listening?.destroy();
      await pause(reconnectMs);
      void listen();
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      timer = setTimeout(resolve, ms);
      timer.unref();
    });
  }

  void listen();
  return {
    changesSince: (snapshot) => ask((client) => readChanges(client, snapshot)),
    prune: (retentionMs) => ask((client) => pruneChanges(client, retentionMs)),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      listening?.destroy();
      await asking?.then(
        ({ destroy }) => destroy(),
        () => {},
      );
    },
  };
}
