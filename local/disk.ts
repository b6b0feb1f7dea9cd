import { statfsSync } from 'node:fs';

const mebibyte = 1024 * 1024;

/**
 * A sentence for the reader when any of these texts, of errors or logs, says that a disk is full; else undefined.
 */
export function diskFull(texts: readonly string[], folder: string): string | undefined {
  if (!texts.some((text) => /No space left on device|ENOSPC|Disk quota exceeded|EDQUOT/.test(text))) return;
  const free = Math.floor((statfsSync(folder).bavail * statfsSync(folder).bsize) / mebibyte);
  return `The disk is full: ${folder} has ${free} MiB left. Free some space there, or set DATABASE_URL to a Postgres elsewhere.`;
}
