/** For tests only: documents as the API makes them. */

/** A product that has every module, with characters that HTML gives a meaning to. */
export const fullProduct = {
  id: 7,
  slug: 'the-deep-7',
  title: 'The <Deep> & “Dark”',
  type: 'game',
  shortDescription: 'A dive into what is below.',
  description: 'It is **cold** down there.\n\n**Features**\n- Pressure\n- Silence <b>and</b> more',
  rating: { average: 4.13, count: 1000, histogram: [10, 40, 150, 300, 500] },
  trailer: { url: 'https://media.example.com/7/trailer.mp4', alt: 'Trailer of The Deep' },
  media: [
    { role: 'card', alt: 'Cover of The Deep' },
    { role: 'description', alt: 'Overview of The Deep' },
    { role: 'gallery', alt: 'Scene from The Deep' },
    { role: 'gallery', alt: 'Scene from The Deep' },
    { role: 'hero', alt: 'Key art of The Deep' },
    { role: 'logo', alt: 'Logo of The Deep' },
    { role: 'storyboard', alt: 'Storyboard of The Deep' },
  ],
  genres: [{ slug: 'horror', name: 'Horror' }],
  features: [{ slug: 'vr', name: 'VR' }],
  platforms: [
    { slug: 'linux', name: 'Linux' },
    { slug: 'windows', name: 'Windows' },
  ],
  developers: [{ name: 'Cold Water', url: 'https://cold-water.example.com/' }],
  publishers: [{ name: 'Warm Water', url: null }],
  releaseDate: '2021-03-29',
  ageRating: {
    system: 'ESRB',
    code: 'E10+',
    title: 'Everyone 10+',
    minAge: 10,
    descriptors: ['Fantasy Violence'],
  },
  price: {
    currency: 'USD',
    listMinor: 3999,
    saleMinor: 2999,
    discountPercent: 25,
    saleEndsAt: '2026-12-01T15:00:00Z',
  },
  refundType: {
    code: 'refundable',
    name: 'Refundable',
    policyUrl: 'https://example.com/refunds#refundable',
  },
  editions: [
    {
      slug: 'the-deep-gold-8',
      title: 'The Deep Gold Edition',
      shortDescription: 'With a torch.',
      image: { alt: 'Cover of the Gold Edition' },
      price: { currency: 'USD', listMinor: 4999, saleMinor: null, discountPercent: 0, saleEndsAt: null },
    },
  ],
  addOns: [
    { slug: 'the-deep-map-9', title: 'A map', shortDescription: 'Of the deep.', image: null, price: null },
  ],
  achievements: {
    total: 12,
    top: [
      { name: 'Diver', description: 'Dive.', xp: 250, tier: 'platinum', hidden: true, rarityPercent: 1.1 },
    ],
  },
  critics: {
    average: 90,
    recommendPercent: 97,
    verdict: 'outstanding',
    reviews: [
      {
        outlet: 'The Herald',
        author: 'A. Critic',
        headline: 'Down we go',
        quote: 'Deep.',
        score: 8.5,
        scoreMax: 10,
        recommended: true,
        url: 'https://herald.example.com/7',
        publishedOn: '2021-04-11',
      },
    ],
  },
  polls: [{ question: 'This game is dark', emoji: '🌑', total: 207_224 }],
  reviews: {
    count: 12,
    latest: [
      {
        author: 'Diver99',
        stars: 4,
        title: 'Wet <script>alert(1)</script>',
        body: 'Very wet.',
        createdAt: '2026-10-31T04:49:57Z',
      },
    ],
  },
  systemRequirements: [
    {
      os: 'windows',
      minimum: [{ component: 'memory', value: '8 GB RAM' }],
      recommended: [{ component: 'memory', value: '16 GB RAM' }],
    },
  ],
  languages: {
    audio: [{ code: 'en', name: 'English' }],
    text: [
      { code: 'de', name: 'Deutsch' },
      { code: 'en', name: 'English' },
    ],
  },
  socialLinks: [
    { network: 'homepage', url: 'https://deep.example.com/' },
    { network: 'twitch', url: 'https://twitch.example.com/deep' },
  ],
  legalText: '© 2021 Warm Water.',
};

/** A product that has nothing that it may be without. */
export const bareProduct = {
  ...fullProduct,
  rating: null,
  trailer: null,
  media: [],
  genres: [],
  features: [],
  platforms: [],
  developers: [],
  publishers: [],
  releaseDate: null,
  ageRating: null,
  price: null,
  refundType: null,
  editions: [],
  addOns: [],
  achievements: null,
  critics: null,
  polls: [],
  reviews: null,
  systemRequirements: [],
  languages: null,
  socialLinks: [],
  legalText: null,
};

/** A list of so many products, of which there are more. */
export const catalogue = (length: number, nextCursor: string | null = 'next') => ({
  items: Array.from({ length }, (_, i) => ({
    slug: `game-${i + 1}`,
    title: `Game ${i + 1}`,
    type: 'game',
    shortDescription: 'One of many.',
    image: i % 5 === 4 ? null : { alt: `Cover of Game ${i + 1}` },
    price: i % 3 === 2 ? null : fullProduct.price,
    rating: i % 4 === 3 ? null : { average: 4.1, count: 1234 },
    releaseDate: i % 6 === 5 ? null : '2021-03-29',
    developers: fullProduct.developers,
  })),
  nextCursor,
  facets: {
    isComplete: true,
    genre: [{ slug: 'rpg', name: 'RPG', count: 3 }],
    feature: [],
    platform: [{ slug: 'linux', name: 'Linux', count: 2 }],
    onSale: 1,
  },
  corrections: [{ word: 'Gmae', to: ['game', 'gate'] }],
});
