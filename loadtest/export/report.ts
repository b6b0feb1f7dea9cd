import { type Finding, findingText, roundMs } from '../provers/promises.ts';
import type { Hits, Result } from './measure.ts';

/** Half of the range in which the worker's memory may move. */
const residentBoundBytes = 50 * 2 ** 20;
const hitsFactor = 2;
/** Of a hundred requests one may be sent as late as this. */
const lateAllowedMs = 10;

/** Why the figures are not the server's; undefined: they are. */
export function voidReason({ before, during, after }: Result): string | undefined {
  const late = Math.max(...[before, during, after].map(({ lateMs }) => lateMs?.p99 ?? 0));
  return late > lateAllowedMs
    ? `The load generator was late: p99 ${roundMs(late)}, ${roundMs(lateAllowedMs)} are allowed.`
    : undefined;
}

export function findingsOf({ games, taken, resident, before, during, after }: Result): Finding[] {
  const wrong = taken.flatMap(({ documents, fault }) =>
    fault !== undefined ? [fault] : documents !== games ? [`it has ${documents} documents`] : [],
  );
  const half = (resident.most - resident.least) / 2;
  const alone = Math.max(before.ms?.p99 ?? Number.NaN, after.ms?.p99 ?? Number.NaN);
  const others = [before, during, after].flatMap((hits) => hits.others);
  return [
    {
      promise: `an export has each of the ${games} games once, in order of ids`,
      found: wrong[0] ?? `${taken.length} exports, all complete`,
      isKept: wrong.length === 0,
    },
    {
      promise: `the worker's resident memory stays within ± ${mebibytes(residentBoundBytes)}`,
      found: `${mebibytes(resident.least)} to ${mebibytes(resident.most)}, ± ${mebibytes(half)}; ${mebibytes(resident.before)} before`,
      isKept: half <= residentBoundBytes,
    },
    {
      promise: `pages from memory come within ${hitsFactor} times the p99 that they have without an export`,
      found: `${text(during)}, beside ${text(before)} before and ${text(after)} after`,
      isKept: (during.ms?.p99 ?? Number.NaN) <= hitsFactor * alone,
    },
    {
      promise: 'every page that was asked for came from memory',
      found: others.length === 0 ? 'all did' : `${others.length} did not, such as ${others[0]}`,
      isKept: others.length === 0,
    },
  ];
}

export function reportText(result: Result): string {
  const { taken, seconds, conditions, during, before } = result;
  const sum = (of: 'documents' | 'bytes' | 'wireBytes') => taken.reduce((total, one) => total + one[of], 0);
  const perSecond = (amount: number) => amount / seconds;
  const lines = [
    '',
    `${sum('documents')} documents in ${seconds.toFixed(1)} s: ${perSecond(sum('documents')).toFixed(0)} documents/s, ${perSecond(sum('bytes') / 1e6).toFixed(1)} MB/s of JSON, ${perSecond(sum('wireBytes') / 1e6).toFixed(1)} MB/s as sent (${conditions.coding})`,
    `the worker used ${during.workerCores.toFixed(2)} cores, and ${before.workerCores.toFixed(2)} before`,
    ...findingsOf(result).map(findingText),
  ];
  const reason = voidReason(result);
  return [...lines, ...(reason === undefined ? [] : [`VOID    ${reason}`])].join('\n');
}

const text = ({ ms }: Hits) =>
  ms === null ? 'none' : `p50 ${roundMs(ms.p50)}, p99 ${roundMs(ms.p99)}, at most ${roundMs(ms.max)}`;

const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
