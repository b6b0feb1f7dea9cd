import type { Product } from '../catalogue.ts';
import { chance, type Random, randomStream } from '../random.ts';
import type { Chunk, Table } from './table.ts';

interface Medium {
  readonly id: number;
  readonly product: Product;
  readonly role: 'card' | 'hero' | 'logo' | 'trailer' | 'gallery' | 'description';
  readonly position: number;
  readonly path: string;
  readonly width: number;
  readonly height: number;
}

const host = 'https://media.example.com';
const idsPerProduct = 16;

const variantsOf = {
  card: [
    { format: 'webp', width: 360 },
    { format: 'webp', width: 720 },
  ],
  gallery: [
    { format: 'webp', width: 640 },
    { format: 'webp', width: 1280 },
  ],
  hero: [
    { format: 'webp', width: 1280 },
    { format: 'webp', width: 2560 },
  ],
  trailer: [
    { format: 'hls', width: 1920 },
    { format: 'mp4', width: 1280 },
  ],
  logo: [],
  description: [],
} as const;

const altOf = {
  card: 'Cover of',
  hero: 'Key art of',
  logo: 'Logo of',
  trailer: 'Trailer of',
  gallery: 'Scene from',
  description: 'Overview of',
};

export const mediaTables: readonly Table[] = [
  {
    name: 'media',
    columns: 'id,product_id,role,position,kind,url,alt,width,height,poster_url'.split(','),
    *rows(chunk) {
      for (const { id, product, role, position, path, width, height } of mediaOf(chunk)) {
        const video = role === 'trailer';
        yield [
          id,
          product.id,
          role,
          position,
          video ? 'video' : 'image',
          video ? `${path}.mp4` : `${path}.jpg`,
          `${altOf[role]} ${product.title}`,
          width,
          height,
          video ? `${path}-poster.jpg` : null,
        ];
      }
    },
  },
  {
    name: 'media_variant',
    columns: ['media_id', 'format', 'width', 'url'],
    *rows(chunk) {
      for (const { id, role, path } of mediaOf(chunk))
        for (const { format, width } of variantsOf[role])
          yield [id, format, width, `${path}-${width}.${format === 'hls' ? 'm3u8' : format}`];
    },
  },
];

/** Both tables need the same media, so these draw from a stream of their own, not from the tables'. */
function* mediaOf({ catalogue, products }: Chunk): Generator<Medium> {
  const [first] = products;
  const random: Random = randomStream(catalogue.seed, `media from ${first?.id}`);
  for (const product of products) {
    if (product.galleryImages === 0) continue;
    const folder = `${host}/${product.id.toString(36)}`;
    let number = 0;
    const medium = (role: Medium['role'], position: number, width: number, height: number): Medium => ({
      id: product.id * idsPerProduct + number++,
      product,
      role,
      position,
      path: `${folder}/${role}${role === 'gallery' ? `-${position}` : ''}`,
      width,
      height,
    });
    yield medium('card', 1, 1200, 1600);
    yield medium('hero', 1, 2560, 1440);
    if (chance(random, 0.6)) yield medium('logo', 1, 800, 400);
    if (chance(random, 0.88)) yield medium('trailer', 1, 1920, 1080);
    if (chance(random, 0.4)) yield medium('description', 1, 1280, 720);
    for (let position = 1; position <= product.galleryImages; position++)
      yield medium('gallery', position, 1920, 1080);
  }
}
