import { isoTime } from './query.ts';

/** Whose prices and age ratings are shown. */
export const market = 'US';

/** Columns of a PriceRow, where the tables `price pr` and `market m` are joined. */
export const priceColumns = `m.currency, pr.list_minor AS "listMinor", pr.sale_minor AS "saleMinor",
  ${isoTime('pr.sale_ends_at')} AS "saleEndsAt"`;

export interface PriceRow {
  readonly currency: string | null;
  readonly listMinor: number | null;
  readonly saleMinor: number | null;
  readonly saleEndsAt: string | null;
}

/** The price as pages show it, null where the market has none; a discount is rounded down. */
export function priceOf({ currency, listMinor, saleMinor, saleEndsAt }: PriceRow) {
  if (listMinor === null) return null;
  const discountPercent =
    saleMinor === null || listMinor === 0 ? 0 : Math.floor(((listMinor - saleMinor) * 100) / listMinor);
  return { currency, listMinor, saleMinor, discountPercent, saleEndsAt };
}
