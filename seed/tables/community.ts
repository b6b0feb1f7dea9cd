/** What players and critics say: all of it follows from how many rated a product and how good it is. */
import { type Product, starShares } from '../catalogue.ts';
import { chance, integer, pick, sample } from '../random.ts';
import { dateText, referenceDay, timeText } from '../reference-date.ts';
import {
  achievementDescriptions,
  achievementNames,
  complaints,
  complaintTitles,
  criticHeadlines,
  criticQuotes,
  praise,
  praiseTitles,
  write,
} from '../words.ts';
import { polls, scoreScale } from './shared.ts';
import type { Table } from './table.ts';

const idsPerProduct = 16;

const trophies = [
  { tier: 'bronze', xp: 5, steps: 4, rarity: 30 },
  { tier: 'bronze', xp: 5, steps: 4, rarity: 30 },
  { tier: 'silver', xp: 25, steps: 5, rarity: 10 },
  { tier: 'gold', xp: 50, steps: 6, rarity: 2 },
] as const;

export const communityTables: readonly Table[] = [
  {
    name: 'achievement',
    columns: 'id,product_id,name,description,xp,tier,hidden,rarity_percent,image_url'.split(','),
    *rows({ products, random }) {
      for (const { id } of products) {
        const count = chance(random, 0.15) ? 0 : integer(random, 5, 14);
        for (let i = 0; i < count; i++) {
          const platinum = { tier: 'platinum', xp: 250, steps: 1, rarity: 0.5 } as const;
          const { tier, xp, steps, rarity } = i === 0 ? platinum : pick(random, trophies);
          yield [
            id * idsPerProduct + i,
            id,
            write(random, achievementNames),
            write(random, achievementDescriptions),
            xp + 5 * integer(random, 0, steps - 1),
            tier,
            chance(random, 0.2),
            (rarity * (1 + 2 * random())).toFixed(1),
            `https://media.example.com/${id.toString(36)}/trophy-${i + 1}.png`,
          ];
        }
      }
    },
  },
  {
    name: 'critic_review',
    columns:
      'id,product_id,outlet_id,author,headline,quote,score,score_max,recommended,url,published_on'.split(','),
    *rows({ catalogue, products, random }) {
      const outlets = catalogue.names.outlets.map((_, index) => index);
      for (const { id, ratings, quality, releaseDay = referenceDay } of products) {
        // Critics write about what many play.
        const count = Math.min(12, Math.round(2 * Math.log10(ratings + 1) * (0.3 + random())));
        for (const [i, outlet] of sample(random, outlets, count).entries()) {
          const percent = Math.max(5, Math.min(100, 35 + 60 * quality + 20 * (random() - 0.5)));
          const scored = !chance(random, 0.06);
          const scale = scoreScale(outlet);
          yield [
            id * idsPerProduct + i,
            id,
            outlet + 1,
            pick(random, catalogue.names.people),
            write(random, criticHeadlines),
            write(random, criticQuotes),
            scored ? Math.round((percent / 100) * scale * 2) / 2 : null,
            scored ? scale : null,
            percent >= 70,
            `https://outlet-${outlet + 1}.example.com/reviews/${id.toString(36)}`,
            dateText(Math.min(referenceDay, releaseDay + integer(random, 0, 20))),
          ];
        }
      }
    },
  },
  {
    name: 'poll_result',
    columns: ['product_id', 'poll_id', 'total'],
    *rows({ products, random }) {
      for (const { id, ratings } of products) {
        if (ratings === 0 || chance(random, 0.05)) continue;
        const asked = sample(random, [...polls.keys()], integer(random, 3, 6)).sort((a, b) => a - b);
        for (const poll of asked) yield [id, poll + 1, Math.ceil(ratings * 0.4 * random())];
      }
    },
  },
  {
    name: 'review',
    columns: 'id,product_id,author,stars,title,body,created_at,updated_at'.split(','),
    *rows({ catalogue, products, random }) {
      for (const { id, reviewStars, releaseDay = referenceDay } of products) {
        for (const [i, stars] of reviewStars.entries()) {
          const daysSince = referenceDay - releaseDay;
          // The square makes most of them recent.
          const day = referenceDay - Math.ceil(daysSince * random() ** 2);
          const second = integer(random, 0, 86_399);
          const edited = chance(random, 0.1) ? Math.min(referenceDay, day + integer(random, 1, 90)) : day;
          const pleased = stars > 3 || (stars === 3 && chance(random, 0.5));
          yield [
            id * idsPerProduct + i,
            id,
            pick(random, catalogue.names.players),
            stars,
            write(random, pleased ? praiseTitles : complaintTitles),
            write(random, pleased ? praise : complaints),
            timeText(day, second),
            timeText(edited, second),
          ];
        }
      }
    },
  },
  {
    name: 'rating_summary',
    columns: ['product_id', 'n1', 'n2', 'n3', 'n4', 'n5'],
    *rows({ products }) {
      for (const product of products) if (product.ratings > 0) yield [product.id, ...starCounts(product)];
    },
  },
];

/** How often each number of stars was given, by those who wrote a review and those who did not. */
function starCounts({ ratings, reviewStars, quality }: Product): number[] {
  const silent = ratings - reviewStars.length;
  const shares = starShares(quality);
  const counts = shares.map(
    (share, i) => Math.floor(silent * share) + reviewStars.filter((stars) => stars === i + 1).length,
  );
  const missing = ratings - counts.reduce((sum, count) => sum + count);
  const likeliest = shares.indexOf(Math.max(...shares));
  return counts.map((count, i) => (i === likeliest ? count + missing : count));
}
