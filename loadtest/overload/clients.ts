import { type OpenLoop, type OpenLoopOptions, startOpenLoop } from '../open-loop.ts';
import { dealt, type Random } from '../provers/random.ts';

/** Time for what is beyond the server's own deadlines. */
export const timeoutMs = 5000;
/** Connections of a client go to workers by turns, and it uses the first that is idle: of several, all workers hear. */
const clientsPerStream = 8;

export type ClientsOptions = Pick<
  OpenLoopOptions,
  'url' | 'ratePerSecond' | 'nextTarget' | 'random' | 'onOutcome'
>;

/** Clients that know nothing of each other, with connections of their own, who share the rate. */
export function startClients(options: ClientsOptions): Pick<OpenLoop, 'setRate' | 'sendAfter' | 'stop'> {
  const clients = Array.from({ length: clientsPerStream }, () =>
    startOpenLoop({
      ...options,
      ratePerSecond: options.ratePerSecond / clientsPerStream,
      connections: 'keep-alive',
      timeoutMs,
    }),
  );
  let turn = 0;
  return {
    setRate(ratePerSecond) {
      for (const client of clients) client.setRate(ratePerSecond / clientsPerStream);
    },
    sendAfter: (delayMs, target) => clients[turn++ % clientsPerStream]?.sendAfter(delayMs, target),
    async stop() {
      await Promise.all(clients.map((client) => client.stop()));
    },
  };
}

/** Goes round in one random order: none comes again before all others have. */
export function inTurn(random: Random, paths: readonly string[]): () => string {
  const deal = dealt(random, paths);
  const order = paths.map(() => deal.next().value);
  let turn = 0;
  return () => {
    const path = order[turn++ % order.length];
    if (path === undefined) throw new RangeError('There is no page to ask for.');
    return path;
  };
}
