interface List {
  readonly items: readonly { readonly slug: string }[];
  readonly nextCursor: string | null;
}

/** Slugs of a server's products, the most popular first, at most `most`. Rejects with a sentence if there are none. */
export async function popularSlugs(url: string, most: number): Promise<string[]> {
  const slugs: string[] = [];
  let next: string | null = `${url}/v1/products?limit=100`;
  while (next !== null && slugs.length < most) {
    const response: Response = await fetch(next);
    if (!response.ok)
      throw new Error(`${next} answered ${response.status}, so there are no products to ask for.`);
    const { items, nextCursor }: List = JSON.parse(await response.text());
    slugs.push(...items.map(({ slug }) => slug));
    next = nextCursor && `${url}/v1/products?limit=100&cursor=${nextCursor}`;
  }
  if (slugs.length === 0)
    throw new Error(`The server at ${url} lists no products: seed it with npm run seed.`);
  return slugs.slice(0, most);
}
