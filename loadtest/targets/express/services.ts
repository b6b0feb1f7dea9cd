/** How the first store was split: which service answers which parts of a page. */
export const services: Readonly<Record<string, readonly string[]>> = {
  product: ['product'],
  media: ['media'],
  editions: ['editions', 'add-ons'],
  ratings: ['polls', 'ratings', 'reviews'],
  specs: ['specs-minimum', 'specs-recommended', 'languages'],
  genres: ['genres', 'features', 'platforms'],
  socials: ['socials'],
  achievements: ['achievements'],
};
