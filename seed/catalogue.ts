/**
 * What is true of a product, from which every table's rows follow, so that they agree with each other: a
 * game that nobody has rated has no reviews, an edition costs no less than its game. It is computed per
 * thousand products ("chunk") from the seed alone, as often as a table needs it, so memory stays flat.
 *
 * Ids come in blocks of twenty: eight games, then five editions and seven add-ons of games of that block.
 * Popularity ranks are scattered over the ids, those of games before those of editions and add-ons.
 */
import { permutation } from './permutation.ts';
import { chance, integer, pick, type Random, randomStream, sample } from './random.ts';
import { referenceDay } from './reference-date.ts';
import { addOnNames, editionNames, makeNames, type Names, titles, write } from './words.ts';

/** Raised when the same seed gives other bytes than before, so that an older catalogue is recognised. */
export const formatVersion = 1;

export interface Catalogue {
  readonly products: number;
  readonly seed: number;
  readonly names: Names;
  readonly rank: (id: number) => number;
}

export interface Product {
  readonly id: number;
  readonly parent: Product | undefined;
  readonly offerType: 'game' | 'edition' | 'add-on';
  readonly title: string;
  readonly rank: number;
  /** Undefined while no date is announced; after the reference date for what is announced. */
  readonly releaseDay: number | undefined;
  /** How good it is, 0 to 1: critics and players agree roughly, and the popular are better on average. */
  readonly quality: number;
  /** How many players rated it; follows a Zipf law over the ranks, 0 before the release. */
  readonly ratings: number;
  /** Those of them who wrote a review, by the stars they gave. */
  readonly reviewStars: readonly number[];
  /** List price in US cents; undefined while none is announced. */
  readonly usdMinor: number | undefined;
  /** Which of the four steps of age ratings it is on, from 0; undefined while it is not rated. */
  readonly ageStep: number | undefined;
  readonly systems: readonly OperatingSystem[];
  /** How much hardware it asks for, as an index into the ladders of system requirements. */
  readonly power: number;
  readonly galleryImages: number;
  /** Index of the publisher in the catalogue's companies. */
  readonly publisher: number;
}

export type OperatingSystem = 'windows' | 'macos' | 'linux';

export const chunkSize = 1000;
const blockSize = 20;
const gamesPerBlock = 8;
const editionsPerBlock = 5;
const gamesWithAddOns = 5;
const mostReviews = 12;

const zipfExponent = 0.8;
const mostRatings = 500_000;

export function describeCatalogue(products: number, seed: number): Catalogue {
  const wholeBlocks = Math.floor(products / blockSize);
  const games = wholeBlocks * gamesPerBlock + Math.min(products % blockSize, gamesPerBlock);
  const gameRank = permutation(games, seed);
  const otherRank = permutation(products - games, seed);
  return {
    products,
    seed,
    names: makeNames(seed),
    rank(id) {
      const block = Math.floor((id - 1) / blockSize);
      const place = (id - 1) % blockSize;
      return place < gamesPerBlock
        ? 1 + gameRank(block * gamesPerBlock + place)
        : 1 + games + otherRank(block * (blockSize - gamesPerBlock) + place - gamesPerBlock);
    },
  };
}

/** Returns the products of a chunk, in order of their ids. */
export function describeProducts(catalogue: Catalogue, chunk: number): Product[] {
  const random = randomStream(catalogue.seed, `products ${chunk}`);
  const products: Product[] = [];
  const end = Math.min(catalogue.products, (chunk + 1) * chunkSize);
  for (let first = chunk * chunkSize + 1; first <= end; first += blockSize) {
    const games: Product[] = [];
    for (let id = first; id < first + gamesPerBlock && id <= end; id++)
      games.push(describeProduct(catalogue, random, id, undefined));
    products.push(...games);
    const withEdition = sample(random, games, editionsPerBlock);
    const withAddOn = sample(random, games, gamesWithAddOns);
    for (let id = first + gamesPerBlock; id < first + blockSize && id <= end; id++) {
      const place = id - first - gamesPerBlock;
      const parent =
        place < editionsPerBlock
          ? withEdition[place]
          : withAddOn[(place - editionsPerBlock) % gamesWithAddOns];
      const offerType = place < editionsPerBlock ? 'edition' : 'add-on';
      products.push(describeProduct(catalogue, random, id, parent && { offerType, game: parent }));
    }
  }
  return products;
}

function describeProduct(
  catalogue: Catalogue,
  random: Random,
  id: number,
  child: { offerType: 'edition' | 'add-on'; game: Product } | undefined,
): Product {
  const game = child?.game;
  const rank = catalogue.rank(id);
  const releaseDay = drawReleaseDay(random, game);
  const popularity = 1 - Math.log(rank) / Math.log(catalogue.products + 1);
  const quality = clamp(
    (game?.quality ?? 0.2 + 0.55 * random() + 0.3 * popularity) + 0.1 * (random() - 0.5),
    0,
    1,
  );
  const released = releaseDay !== undefined && releaseDay <= referenceDay;
  const ratings = released ? Math.round((mostRatings / rank ** zipfExponent) * (0.8 + 0.4 * random())) : 0;
  const written = Math.min(ratings, mostReviews, Math.round(2 * Math.log10(ratings + 1) * (0.8 + random())));
  return {
    id,
    parent: game,
    offerType: child?.offerType ?? 'game',
    title: drawTitle(random, child),
    rank,
    releaseDay,
    quality,
    ratings,
    reviewStars: Array.from({ length: written }, () => drawStars(random, quality)),
    usdMinor: chance(random, released ? 0.01 : 0.4) ? undefined : drawPrice(random, child),
    ageStep: chance(random, 0.05) ? undefined : (game?.ageStep ?? integer(random, 0, 3)),
    systems: game?.systems ?? drawSystems(random),
    power: game?.power ?? integer(random, 0, 6),
    galleryImages: chance(random, 0.03) ? 0 : integer(random, 3, 7),
    publisher: game?.publisher ?? Math.floor(random() * catalogue.names.companies.length),
  };
}

const clamp = (value: number, min: number, max: number) => Math.min(max, Math.max(min, value));

function drawReleaseDay(random: Random, game: Product | undefined): number | undefined {
  const fate = random();
  if (fate < 0.02 || (game && game.releaseDay === undefined)) return undefined;
  if (fate < 0.04) return Math.max(game?.releaseDay ?? 0, referenceDay + integer(random, 7, 300));
  // The square makes most of them recent. Nothing comes out before its game.
  const oldest = Math.min(referenceDay, game?.releaseDay ?? referenceDay - 12 * 365);
  const day = referenceDay - Math.floor((referenceDay - oldest) * random() ** 2);
  return Math.max(day, game?.releaseDay ?? 0);
}

function drawTitle(random: Random, child: { offerType: 'edition' | 'add-on'; game: Product } | undefined) {
  if (child === undefined) return write(random, titles);
  return child.offerType === 'edition'
    ? `${child.game.title} ${pick(random, editionNames)}`
    : `${child.game.title} – ${write(random, addOnNames)}`;
}

const gamePrices = [0, 499, 999, 1499, 1999, 1999, 2499, 2999, 3999, 4999, 5999, 6999];
const addOnPrices = [0, 199, 499, 499, 999, 1499, 1999, 2499];

function drawPrice(random: Random, child: { offerType: 'edition' | 'add-on'; game: Product } | undefined) {
  if (child?.offerType === 'add-on') return pick(random, addOnPrices);
  if (child?.offerType === 'edition') return (child.game.usdMinor ?? 1999) + 500 * integer(random, 2, 8);
  return pick(random, gamePrices);
}

function drawSystems(random: Random): OperatingSystem[] {
  if (chance(random, 0.04)) return [];
  const systems: OperatingSystem[] = ['windows'];
  if (chance(random, 0.3)) systems.push('macos');
  if (chance(random, 0.2)) systems.push('linux');
  return systems;
}

/** The shares of one to five stars among the ratings of a product of this quality; they add up to one. */
export function starShares(quality: number): number[] {
  const weights = [0, 0.25, 0.5, 0.75, 1].map((score) => Math.exp(-6 * (score - quality) ** 2) + 0.05);
  const sum = weights.reduce((total, weight) => total + weight);
  return weights.map((weight) => weight / sum);
}

function drawStars(random: Random, quality: number): number {
  let left = random();
  for (const [index, share] of starShares(quality).entries()) {
    left -= share;
    if (left < 0) return index + 1;
  }
  return 5;
}
