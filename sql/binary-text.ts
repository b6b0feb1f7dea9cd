/**
 * Returns the UTF-8 bytes of a text as a string of one character per byte ("latin1", "binary string"),
 * which is how bodies are kept: its length is the Content-Length, and it is written without conversion.
 * The driver decodes every column, so this encodes anew: 1 to 5 µs for 12 KB.
 */
export function binaryText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
