/** The value of an option --name; throws a sentence that names it. */
export function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least)
    throw new Error(`--${name} must be a whole number from ${least} up; it is "${text}".`);
  return value;
}

/** As in NAME=VALUE, for --setting. */
export function setting(text: string): [name: string, value: string] {
  const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new Error(`--setting must be NAME=VALUE, such as STALENESS_MS=250; it is "${text}".`);
  return [name, value];
}
