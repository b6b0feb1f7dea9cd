const longest = 80;

/**
 * Returns a title as a public key: lower-case ASCII words and the id in base 36, which makes it unique. A title
 * without a single Latin letter or digit leaves the id alone.
 */
export function slugOf(title: string, id: number): string {
  const key = id.toString(36);
  const words = title
    .replace(/[’™]/g, '')
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longest - key.length - 1)
    .replace(/^-|-$/g, '');
  return words === '' ? key : `${words}-${key}`;
}
