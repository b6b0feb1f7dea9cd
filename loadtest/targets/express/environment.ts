/** The variable's value. Ends the program with one sentence when there is none. */
export function required(name: string): string {
  const value = process.env[name];
  if (!value) fail(`${name} must be set.`);
  return value;
}

/** The variable's value. Ends the program with one sentence when it is no whole number above 0. */
export function positiveInteger(name: string, fallback: number): number {
  const text = process.env[name] || String(fallback);
  if (!/^[1-9]\d{0,14}$/.test(text)) fail(`${name} must be a whole number above 0; it is "${text}".`);
  return Number(text);
}

/** Ends the program, which cannot run as it was started. */
export function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}
