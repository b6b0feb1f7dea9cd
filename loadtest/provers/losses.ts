/**
 * Whose loss a failed request was. A process that is killed takes the connections that it held with it, and what is
 * under way on them; that nobody can help. Any other request that fails is the server's fault.
 */

export interface FailedRequest {
  /** Why there was no complete answer, such as ECONNRESET; or what was wrong with it. */
  readonly error: string;
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  /** Undefined: it had no connection. */
  readonly localPort: number | undefined;
}

/** A worker was killed, or stopped and then killed by the server. */
export interface WorkerLoss {
  readonly atMs: number;
  /** When it was gone. */
  readonly goneAtMs: number;
  /** The clients' ports of the connections that it held. */
  readonly ports: ReadonlySet<number>;
}

/** A primary was killed, or told to stop: its workers finish what they have, and nobody listens until the next is there. */
export interface PrimaryLoss {
  readonly atMs: number;
  /** When the next one was ready. */
  readonly backAtMs: number;
  /** Of the connections that its workers held. */
  readonly ports: ReadonlySet<number>;
}

/** Time in which a client may not have noticed yet that its connection is gone. */
const unnoticedMs = 1000;

export interface WorkerLosses {
  readonly lost: readonly FailedRequest[];
  /** Lost with no worker to blame. */
  readonly others: readonly FailedRequest[];
  /** From the fault to the end of the last request that it cost, of each fault. */
  readonly lastLostAfterMs: readonly number[];
}

export function lossesOfWorkers(
  failed: readonly FailedRequest[],
  losses: readonly WorkerLoss[],
): WorkerLosses {
  const lossOf = ({ sentAtMs, endedAtMs, localPort = -1 }: FailedRequest) =>
    losses.findIndex(
      ({ atMs, goneAtMs, ports }) =>
        endedAtMs >= atMs && sentAtMs <= goneAtMs + unnoticedMs && ports.has(localPort),
    );
  const byLoss = failed.map((request) => [lossOf(request), request] as const);
  return {
    lost: byLoss.flatMap(([loss, request]) => (loss === -1 ? [] : request)),
    others: byLoss.flatMap(([loss, request]) => (loss === -1 ? request : [])),
    lastLostAfterMs: losses.map(({ atMs }, index) =>
      Math.max(0, ...byLoss.flatMap(([loss, { endedAtMs }]) => (loss === index ? endedAtMs - atMs : []))),
    ),
  };
}

export interface PrimaryLosses {
  /** Sent while nobody listened. */
  readonly unserved: readonly FailedRequest[];
  /** Sent before, on a connection that no worker had got yet. */
  readonly notHandedOver: readonly FailedRequest[];
  /** Lost on a connection that a worker had, which should have answered; or with no primary to blame. */
  readonly others: readonly FailedRequest[];
}

export function lossesOfPrimaries(
  failed: readonly FailedRequest[],
  losses: readonly PrimaryLoss[],
): PrimaryLosses {
  const unserved: FailedRequest[] = [];
  const notHandedOver: FailedRequest[] = [];
  const others: FailedRequest[] = [];
  for (const request of failed) {
    const { sentAtMs, endedAtMs, localPort = -1 } = request;
    const loss = losses.find(({ atMs, backAtMs }) => endedAtMs >= atMs && sentAtMs <= backAtMs);
    if (loss === undefined || loss.ports.has(localPort)) others.push(request);
    else (sentAtMs < loss.atMs ? notHandedOver : unserved).push(request);
  }
  return { unserved, notHandedOver, others };
}
