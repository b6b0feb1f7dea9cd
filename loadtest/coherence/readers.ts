/** Readers at a steady pace, over connections to every worker of every host. */
import { setTimeout as delay } from 'node:timers/promises';
import { pick, type Random } from '../provers/random.ts';
import { addOnSlug, type Catalogue } from './catalogue.ts';
import { openConnection } from './connection.ts';
import type { Reader, Target } from './reading.ts';

const connectionsPerHost = 8;
/** A worker that is new gets connections only as others are given up. */
const requestsPerConnection = 60;
const pauseAfterFailureMs = 20;

export interface Readers {
  readonly targets: readonly Target[];
  /** Resolves when no request is under way any more. */
  stop(): Promise<void>;
}

export interface ReadersOptions {
  readonly hosts: readonly { readonly name: string; readonly port: number }[];
  readonly catalogue: Catalogue;
  readonly reader: Reader;
  readonly random: Random;
  /** Over all connections. */
  readonly perSecond: number;
}

export function startReaders({ hosts, catalogue, reader, random, perSecond }: ReadersOptions): Readers {
  const intervalMs = (1000 * connectionsPerHost * hosts.length) / perSecond;
  const targets = new Set<Target>();
  let isOver = false;

  async function keepReading({ name, port }: ReadersOptions['hosts'][number]): Promise<void> {
    await delay(random() * intervalMs);
    while (!isOver) {
      const connection = openConnection(port);
      const target: Target = { host: name, connection, workerPid: undefined };
      targets.add(target);
      let dueAtMs = performance.now();
      for (let requests = 0; requests < requestsPerConnection && !isOver; requests++) {
        await reader.read(target, slugToAsk(catalogue, random));
        if (connection.localPort === undefined) break;
        // Who was kept waiting does not make up for it.
        const nowMs = performance.now();
        dueAtMs = Math.max(nowMs, dueAtMs + intervalMs);
        await delay(dueAtMs - nowMs);
      }
      targets.delete(target);
      connection.close();
      if (connection.localPort === undefined) await delay(pauseAfterFailureMs);
    }
  }

  const reading = hosts.flatMap((host) =>
    Array.from({ length: connectionsPerHost }, () => keepReading(host)),
  );
  return {
    get targets() {
      return [...targets];
    },
    async stop() {
      isOver = true;
      await Promise.all(reading);
    },
  };
}

/** Mostly one of the hot set; now and then what is renamed, comes and goes, was never there, or nobody asks for. */
function slugToAsk({ hot, renamed, cold, missing }: Catalogue, random: Random): string {
  const chance = random();
  if (chance < 0.82) return pick(random, hot).slug;
  if (chance < 0.89) return pick(random, pick(random, renamed).slugs);
  if (chance < 0.94) return addOnSlug(pick(random, hot).slug);
  if (chance < 0.96) return pick(random, missing);
  return pick(random, cold);
}
