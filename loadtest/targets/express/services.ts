/** How the old system was split: each service's parts of a page, and the query of each. */
import { achievements } from './queries/achievements.ts';
import { addOns, editions } from './queries/editions.ts';
import { features, genres, platforms } from './queries/genres.ts';
import { media } from './queries/media.ts';
import { product } from './queries/product.ts';
import type { Query } from './queries/query.ts';
import { polls, ratings, reviews } from './queries/ratings.ts';
import { socials } from './queries/socials.ts';
import { languages, minimumSpecs, recommendedSpecs } from './queries/specs.ts';

/** By the part's name. */
export type Queries = Readonly<Record<string, Query>>;

export const services: Readonly<Record<string, Queries>> = {
  product: { product },
  media: { media },
  editions: { editions, 'add-ons': addOns },
  ratings: { polls, ratings, reviews },
  specs: { 'specs-minimum': minimumSpecs, 'specs-recommended': recommendedSpecs, languages },
  genres: { genres, features, platforms },
  socials: { socials },
  achievements: { achievements },
};

export const allQueries: Queries = Object.assign({}, ...Object.values(services));
