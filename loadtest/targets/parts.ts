/**
 * A page in parts, as the first store's client asked for it: fifteen requests, each for a table or two. Each answer
 * is a JSON object that has `productId` and those keys of the page document that the part stands for.
 */
export interface Part {
  /** The last segment of `/api/products/{id}/{name}`. */
  readonly name: string;
  /** The part of the page document it holds; `systemRequirements` is in two parts, by tier. */
  readonly keys: readonly string[];
}

export const parts: readonly Part[] = [
  {
    name: 'product',
    keys: [
      'id',
      'slug',
      'title',
      'type',
      'shortDescription',
      'description',
      'developers',
      'publishers',
      'releaseDate',
      'ageRating',
      'price',
      'refundType',
      'legalText',
    ],
  },
  { name: 'media', keys: ['trailer', 'media'] },
  { name: 'editions', keys: ['editions'] },
  { name: 'add-ons', keys: ['addOns'] },
  { name: 'genres', keys: ['genres'] },
  { name: 'features', keys: ['features'] },
  { name: 'platforms', keys: ['platforms'] },
  { name: 'achievements', keys: ['achievements'] },
  { name: 'polls', keys: ['polls'] },
  { name: 'ratings', keys: ['rating', 'critics'] },
  { name: 'reviews', keys: ['reviews'] },
  { name: 'socials', keys: ['socialLinks'] },
  { name: 'specs-recommended', keys: ['systemRequirements'] },
  { name: 'specs-minimum', keys: ['systemRequirements'] },
  { name: 'languages', keys: ['languages'] },
];

/**
 * The ten that the first store's load test asked for, in its order; `polls` is what it called `epicratings`.
 */
export const oldProfileParts: readonly string[] = [
  'product',
  'media',
  'editions',
  'achievements',
  'genres',
  'polls',
  'ratings',
  'socials',
  'specs-recommended',
  'specs-minimum',
];
