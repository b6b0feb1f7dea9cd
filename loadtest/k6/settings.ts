/** What a scenario is told, by k6's `--env`: how to reach the server, and how much to ask of it. */

const seconds = { s: 1, m: 60, h: 3600 } as const;

export const origin = __ENV.URL ?? 'http://127.0.0.1:3000';

/** Whether a page is one request or many; see `targets/target.ts`. */
export const api = __ENV.API === 'parts' ? 'parts' : 'page';

/** A JSON array of `[id, slug]`, the most popular first. */
export const productsFile = __ENV.PRODUCTS_FILE ?? '';

/** Into so many equal stretches of time the figures of a run are parted as well; 0: they are not. */
export const sliceCount = Number(__ENV.SLICE_COUNT ?? 24);

const timeScale = Number(__ENV.TIME_SCALE ?? 1);

export const numberOf = (
  name: 'EXPONENT' | 'MAX_RATE' | 'P99_MS' | 'RATE' | 'USERS',
  otherwise: number,
): number => Number(__ENV[name] ?? otherwise);

/** Seconds that a stage of so many takes in this run. */
export const scaled = (fullSeconds: number): number => fullSeconds * timeScale;

/** Seconds of a scenario whose length can be set: that of DURATION, such as `5m`, or else `otherwise`, both scaled. */
export function durationOf(otherwise: number): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(__ENV.DURATION ?? '') ?? [];
  const given = unit === 's' || unit === 'm' || unit === 'h' ? Number(count) * seconds[unit] : otherwise;
  return scaled(given);
}
