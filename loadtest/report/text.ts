/** Figures as people read them. */
import type { Spread } from '../bench/statistics.ts';
import type { Size } from '../lab/result.ts';

export const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** "1 round", "3 rounds". */
export const countText = (value: number, what: string): string =>
  `${count(value)} ${what}${value === 1 ? '' : 's'}`;

/** Three significant digits, and all digits of what is before the point. */
export function decimal(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.min(digits, 6) });
}

/** "410 (395–431)": the median and the extremes, where these differ so far as digits are shown. */
export function withExtremes({ median, min, max }: Spread): string {
  const [least, most] = [decimal(min), decimal(max)];
  return least === most ? decimal(median) : `${decimal(median)} (${least}–${most})`;
}

/** "base: 0.5 cores, 1 GiB". */
export function sizeText({ name, cores, memoryBytes }: Size): string {
  if (cores === null || memoryBytes === null) return `${name}: no limit`;
  return `${name}: ${decimal(cores)} ${cores === 1 ? 'core' : 'cores'}, ${decimal(memoryBytes / 2 ** 30)} GiB`;
}
