/** Several product pages in one answer. */
import type { Gatherer } from '../cache/gather.ts';
import type { ReadThrough, Served } from '../cache/read-through.ts';
import { type Part, partOf } from './parts.ts';
import { createRepresentation, digestOf, type Representation } from './representation.ts';

export interface BatchSource {
  readonly pages: ReadThrough<Representation>;
  /** Behind `pages`: told which of them are about to be asked for together. */
  readonly gatherer: Pick<Gatherer<Representation>, 'expect'>;
}

/** Each as if it were asked for alone, in the order of `slugs`, but that those which come to the source are read together. */
export async function readBatch(
  { pages, gatherer }: BatchSource,
  slugs: readonly string[],
  nowMs: number,
  isAbandoned: () => boolean,
): Promise<Served<Representation>[]> {
  const hits = new Map<string, Representation>();
  for (const slug of slugs) {
    const hit = pages.hit(slug, nowMs);
    if (hit !== undefined) hits.set(slug, hit);
  }
  const expectation = gatherer.expect(slugs.filter((slug) => !hits.has(slug)));
  const readOne = async (slug: string): Promise<Served<Representation>> => {
    const value = hits.get(slug);
    if (value !== undefined)
      return { value, servedFrom: 'memory', memory: 'hit', redis: undefined, collapsed: false };
    try {
      return await pages.read(slug, nowMs, isAbandoned);
    } finally {
      expectation.settled(slug);
    }
  };
  try {
    return await Promise.all(slugs.map(readOne));
  } finally {
    expectation.end();
  }
}

/** The document of a batch: of each page all or a part, and the slugs of those that there are not. */
export function batchOf(
  pages: ReadThrough<Representation>,
  slugs: readonly string[],
  batch: readonly Served<Representation>[],
  part: Part | undefined,
): Representation {
  const found: Representation[] = [];
  const unknown: string[] = [];
  for (const [i, { value }] of batch.entries()) {
    const slug = slugs[i] ?? '';
    if (value === undefined) unknown.push(slug);
    else found.push(part === undefined ? value : partOf(value, part, () => pages.resized(slug, value)));
  }
  const unknownList = JSON.stringify(unknown);
  return createRepresentation(
    `{"items":[${found.map(({ body }) => body).join(',')}],"unknown":${unknownList}}`,
    found[0]?.cacheControl ?? 'no-cache',
    // What names the bytes of each names those of all.
    { digest: digestOf(found.map(({ identity }) => identity.etag).join() + unknownList), isForOnce: true },
  );
}
