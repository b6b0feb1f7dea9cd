/** For tests: stamps and changes as Postgres has them, small numbers only. */
import type { History } from './entry.ts';

/** `xmin:xmax:xip,…`: everything below xmax is visible but for what is listed; all below xmin is. */
function parse(stamp: string): { xmin: number; xmax: number; running: readonly number[] } {
  const [xmin = '', xmax = '', running = ''] = stamp.split(':');
  return {
    xmin: Number(xmin),
    xmax: Number(xmax),
    running: running === '' ? [] : running.split(',').map(Number),
  };
}

export const modelHistory: History = {
  isStamp: (text) => /^\d+:\d+:[\d,]*$/.test(text),
  covers(stamp, change) {
    const { xmax, running } = parse(stamp);
    return Number(change) < xmax && !running.includes(Number(change));
  },
  includes(later, earlier) {
    const { xmax, running } = parse(earlier);
    const end = parse(later);
    for (let id = end.xmax; id < xmax; id++) if (!running.includes(id)) return false;
    return end.running.every((id) => id >= xmax || running.includes(id));
  },
  horizon: (stamp) => String(parse(stamp).xmin),
};
