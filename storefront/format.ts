/** Figures, money and dates as a page writes them, in English. Dates and times are in UTC. */

const numbers = new Intl.NumberFormat('en-US');
const compactNumbers = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const dates = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' });
const currencies = new Map<string, Intl.NumberFormat>();

/** 12,824. */
export const count = (value: number): string => numbers.format(value);

/** 12.8K. */
export const compactCount = (value: number): string => compactNumbers.format(value);

/** 4.1, never 4.10: a mean of stars or points. */
export const decimal = (value: number): string => String(Math.round(value * 10) / 10);

/** `part` in percent of `whole`, rounded; 0 of nothing. */
export const percentOf = (part: number, whole: number): number =>
  whole === 0 ? 0 : Math.round((part / whole) * 100);

/** An amount in minor units of an ISO 4217 currency. */
export function money(minor: number, currency: string): string {
  let format = currencies.get(currency);
  if (format === undefined) {
    format = new Intl.NumberFormat('en-US', { style: 'currency', currency });
    currencies.set(currency, format);
  }
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** Mar 29, 2021. `iso` is a date or a time of ISO 8601. */
export const day = (iso: string): string => dates.format(new Date(iso));
