import { Obstacle } from './obstacle.js';

export const saysDiskFull = (text: string) =>
  /No space left on device|ENOSPC|Disk quota exceeded|EDQUOT/.test(text);

/** What to tell the reader instead of the many things that a full disk makes programs say. */
export const diskFull = (folder: string) =>
  new Obstacle(
    `The disk is full: ${folder} needs more room. Free some, or set DATABASE_URL to a Postgres elsewhere.`,
  );
