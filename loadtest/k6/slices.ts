/**
 * The figures of a run by equal stretches of time, its slices, for curves. k6's summary has a metric by tag where a
 * threshold asks for it, so there is one for each slice, which always holds. A request is of the slice it began in.
 */
import exec from 'k6/execution';
import { sliceCount } from './settings.ts';

const slices = Array.from({ length: sliceCount }, (_, slice) => slice);

/** The thresholds by which the summary has response times and failures of each slice. */
export const sliceConditions: Readonly<Record<string, string[]>> = Object.fromEntries(
  slices.flatMap((slice) => [
    [`http_req_duration{slice:${slice}}`, ['max>=0']],
    [`http_req_failed{slice:${slice}}`, ['rate>=0']],
  ]),
);

/** The tag of a request that begins now. */
export const currentSlice = (): Record<string, string> =>
  sliceCount === 0
    ? {}
    : { slice: String(Math.min(sliceCount - 1, Math.floor(exec.scenario.progress * sliceCount))) };
