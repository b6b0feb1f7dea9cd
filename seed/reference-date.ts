const dayMs = 24 * 60 * 60 * 1000;

/** The day on which a generated catalogue takes place; it is not today, or two runs would differ. */
export const referenceDate = new Date('2026-11-01T00:00:00Z');

/** The same in whole days since 1970, the unit that dates are drawn in. */
export const referenceDay = referenceDate.getTime() / dayMs;

/** Writes a day since 1970 as SQL's `date`. */
export const dateText = (day: number) => new Date(day * dayMs).toISOString().slice(0, 10);

/** Writes a point in time, in seconds since the start of a day, as SQL's `timestamptz`. */
export const timeText = (day: number, seconds: number) =>
  new Date(day * dayMs + seconds * 1000).toISOString();
