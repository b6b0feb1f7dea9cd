/** Writes at a steady rate, straight to Postgres, as any SQL client might. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { between, dealt, pick, type Random } from '../provers/random.ts';
import type { Catalogue, Product } from './catalogue.ts';
import type { Ledger } from './ledger.ts';
import { type Committed, type WriteKind, writeKinds } from './writes.ts';

/** How many of each kind in a hundred or so. */
const shares: Readonly<Record<WriteKind, number>> = {
  title: 14,
  price: 12,
  'link, on conflict': 8,
  'link deleted': 4,
  'review inserted': 8,
  'review copied': 3,
  'review deleted': 4,
  'add-on': 8,
  'several tables': 6,
  'in reverse order': 6,
  'long transaction': 3,
  'rolled back': 5,
  'savepoint rolled back': 4,
  'without a wake-up': 4,
  'company, a shared row': 6,
  'genre, of many pages': 1,
  'slug renamed': 6,
  'some hundred products': 1,
  'all products': 1,
};
export const kindsOfWrites = Object.keys(shares) as WriteKind[];
const cards = kindsOfWrites.flatMap((kind) => Array.from({ length: shares[kind] }, () => kind));

/** They lock many rows, in whatever order, and so wait for each other here rather than for ever. */
const wide: readonly WriteKind[] = ['genre, of many pages', 'some hundred products', 'all products'];
const mostUnderWay = 12;
/** In which their many changes may still be dealt with. */
const wideAfterMs = 500;

export interface Writers {
  /** Ended ones, by kind. */
  readonly counts: ReadonlyMap<WriteKind, number>;
  /** That were rolled back by an error, such as a deadlock. */
  readonly failures: readonly string[];
  /** Whether one of very many pages is under way, or just over. */
  readonly isWide: boolean;
  /** Resolves when no transaction is open any more. */
  stop(): Promise<void>;
}

export interface WritersOptions {
  readonly databaseUrl: string;
  readonly catalogue: Catalogue;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly perSecond: number;
  readonly onCommitted: (committed: Committed, kind: WriteKind) => void;
}

export function startWriters(options: WritersOptions): Writers {
  const { catalogue, ledger, random, perSecond, onCommitted } = options;
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 2 * mostUnderWay });
  pool.on('error', () => {});
  const counts = new Map<WriteKind, number>(kindsOfWrites.map((kind) => [kind, 0]));
  const failures: string[] = [];
  const underWay = new Set<Promise<void>>();
  const taken = new Set<Product>();
  const deck = dealt(random, cards);
  let number = 0;
  let wideTurn = Promise.resolve();
  let wideUntilMs = 0;
  let isOver = false;

  async function writeWide(kind: WriteKind): Promise<void> {
    await wideTurn;
    wideUntilMs = Number.POSITIVE_INFINITY;
    await write(kind);
    wideUntilMs = performance.now() + wideAfterMs;
  }

  async function write(kind: WriteKind): Promise<void> {
    const clients = [await pool.connect(), await pool.connect()] as const;
    const own: Product[] = [];
    const take = () => {
      const product = pick(
        random,
        catalogue.hot.filter((candidate) => !taken.has(candidate)),
      );
      taken.add(product);
      own.push(product);
      return product;
    };
    try {
      const nextNumber = () => ++number;
      const committed = await writeKinds[kind]({ catalogue, ledger, random, nextNumber, clients, take });
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      if (committed) onCommitted(committed, kind);
    } catch (error) {
      failures.push(`${kind}: ${error instanceof Error ? error.message : error}`);
    } finally {
      for (const product of own) taken.delete(product);
      for (const client of clients) client.release();
    }
  }

  async function writeAll(): Promise<void> {
    while (!isOver) {
      if (underWay.size < mostUnderWay) {
        const kind = deck.next().value;
        const writing = wide.includes(kind) ? writeWide(kind) : write(kind);
        if (wide.includes(kind)) wideTurn = writing;
        underWay.add(writing);
        void writing.finally(() => underWay.delete(writing));
      }
      await delay(between(random, 0.2, 1.8) * (1000 / perSecond));
    }
  }

  const writing = writeAll();
  return {
    counts,
    failures,
    get isWide() {
      return performance.now() < wideUntilMs;
    },
    async stop() {
      isOver = true;
      await writing;
      await Promise.all(underWay);
      await pool.end();
    },
  };
}
