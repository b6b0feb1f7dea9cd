import type { Product } from '../catalogue.ts';
import { chance, integer, pick, sample } from '../random.ts';
import { dateText, referenceDay, timeText } from '../reference-date.ts';
import { slugOf } from '../slug.ts';
import { paragraphs, shortDescriptions, write } from '../words.ts';
import { features, genres, languages, markets, platforms, refundTypes, tagId } from './shared.ts';
import type { Table } from './table.ts';

const systemPlatforms = { windows: 'Windows', macos: 'macOS', linux: 'Linux' };
const consoles = platforms.filter((name) => !Object.values(systemPlatforms).includes(name));
const saleSteps = [10, 20, 25, 30, 40, 50, 60, 75, 80, 90];
const networks = ['discord', 'facebook', 'homepage', 'instagram', 'reddit', 'twitch', 'x', 'youtube'];

export const productTables: readonly Table[] = [
  {
    name: 'product',
    columns:
      'id,slug,parent_id,offer_type,title,short_description,description,release_date,refund_type_code,accent_color,legal_text,popularity_rank,updated_at'.split(
        ',',
      ),
    *rows({ catalogue, products, random }) {
      for (const product of products) {
        const { id, title, releaseDay } = product;
        const publisher = catalogue.names.companies[product.publisher] ?? '';
        const year = dateText(releaseDay ?? referenceDay).slice(0, 4);
        yield [
          id,
          slugOf(title, id),
          product.parent?.id ?? null,
          product.offerType,
          title,
          write(random, shortDescriptions),
          Array.from({ length: integer(random, 2, 4) }, () => write(random, paragraphs)).join('\n\n'),
          releaseDay === undefined ? null : dateText(releaseDay),
          chance(random, 0.04) ? null : pick(random, refundTypes).code,
          chance(random, 0.1) ? null : `#${integer(random, 0, 0xffffff).toString(16).padStart(6, '0')}`,
          chance(random, 0.25)
            ? null
            : `© ${year} ${publisher}. All rights reserved. “${title}” is a trademark of ${publisher} in the U.S. and elsewhere.`,
          product.rank,
          lastChange(product, random()),
        ];
      }
    },
  },
  {
    name: 'product_company',
    columns: ['product_id', 'role', 'company_id', 'position'],
    *rows({ catalogue, products, random }) {
      const companies = catalogue.names.companies.length;
      for (const { id, publisher } of products) {
        if (chance(random, 0.03)) continue;
        // A third of all games are published by who made them.
        const developer = chance(random, 0.33) ? publisher : Math.floor(random() * companies);
        yield [id, 'developer', developer + 1, 1];
        if (chance(random, 0.15)) yield [id, 'developer', ((developer + 7) % companies) + 1, 2];
        yield [id, 'publisher', publisher + 1, 1];
      }
    },
  },
  {
    name: 'product_tag',
    columns: ['product_id', 'tag_id'],
    *rows({ products, random }) {
      for (const { id, systems } of products) {
        const names = [
          ...(chance(random, 0.03) ? [] : sample(random, genres, integer(random, 1, 3))),
          ...(chance(random, 0.05) ? [] : sample(random, features, integer(random, 3, 7))),
          ...systems.map((system) => systemPlatforms[system]),
          ...(systems.length === 0 ? [] : sample(random, consoles, integer(random, 0, 2))),
        ];
        for (const tag of names.map(tagId).sort((a, b) => a - b)) yield [id, tag];
      }
    },
  },
  {
    name: 'price',
    columns: ['product_id', 'market_code', 'list_minor', 'sale_minor', 'sale_ends_at'],
    *rows({ products, random }) {
      for (const { id, usdMinor } of products) {
        if (usdMinor === undefined) continue;
        const onSale = usdMinor > 0 && chance(random, 0.25);
        const discount = onSale ? pick(random, saleSteps) : 0;
        const ends =
          onSale && chance(random, 0.9)
            ? timeText(referenceDay + integer(random, 1, 45), 15 * 60 * 60)
            : null;
        for (const { code, rate } of markets) {
          const list =
            usdMinor === 0 ? 0 : Math.ceil((usdMinor * rate) / 100) * 100 - (code === 'JP' ? 20 : 1);
          yield [id, code, list, onSale ? Math.floor((list * (100 - discount)) / 100) : null, ends];
        }
      }
    },
  },
  {
    name: 'product_language',
    columns: ['product_id', 'language_code', 'audio', 'text'],
    *rows({ products, random }) {
      for (const { id } of products) {
        if (chance(random, 0.05)) continue;
        const translated = random();
        const voiced = translated * random();
        for (const [index, { code }] of languages.entries()) {
          const effort = index === 0 ? 0 : random();
          if (effort <= translated) yield [id, code, effort <= voiced, true];
        }
      }
    },
  },
  {
    name: 'social_link',
    columns: ['product_id', 'network', 'url'],
    *rows({ products, random }) {
      for (const { id } of products) {
        if (chance(random, 0.06)) continue;
        for (const network of sample(random, networks, integer(random, 2, 5)).sort())
          yield [id, network, `https://${network}.example.com/game-${id.toString(36)}`];
      }
    },
  },
];

/** The last edit of a product's row: within the last 400 days. */
function lastChange({ releaseDay }: Product, fraction: number): string {
  const earliest = Math.max(referenceDay - 400, Math.min(releaseDay ?? 0, referenceDay - 1));
  const day = earliest + (referenceDay - earliest) * fraction;
  return timeText(Math.floor(day), Math.floor((day % 1) * 86_400));
}
