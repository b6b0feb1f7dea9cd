import type { ParseArgsOptionsConfig } from 'node:util';
import { settings } from '../../config.ts';

/** What every prover can be told beside what is its own, for `parseArgs`. */
export const commonOptions = {
  seed: { type: 'string', default: '1' },
  setting: { type: 'string', multiple: true, default: [] },
  logs: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} satisfies ParseArgsOptionsConfig;

export interface CommonOptions {
  readonly seed: number;
  /** For the server. */
  readonly settings: Readonly<Record<string, string>>;
  readonly logs: string | undefined;
}

/** Of the values that `parseArgs` found for `commonOptions`. */
export const commonValues = ({
  seed,
  setting: given,
  logs,
}: {
  seed: string;
  setting: string[];
  logs?: string | undefined;
}): CommonOptions => ({
  seed: wholeNumber('seed', seed, 0),
  settings: Object.fromEntries(given.map(setting)),
  logs,
});

/** One of a list of names, for an option that takes several; throws a sentence that names them. */
export function oneOf<Name extends string>(option: string, names: readonly Name[], text: string): Name {
  const name = names.find((known) => known === text);
  if (name === undefined) throw new Error(`--${option} must be of ${names.join(', ')}; one is "${text}".`);
  return name;
}

/** The value of an option --name; throws a sentence that names it. */
export function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least)
    throw new Error(`--${name} must be a whole number from ${least} up; it is "${text}".`);
  return value;
}

function setting(text: string): [name: string, value: string] {
  const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new Error(`--setting must be NAME=VALUE, such as STALENESS_MS=250; it is "${text}".`);
  if (!Object.hasOwn(settings, name.replace(/_FILE$/, '')) && !Object.hasOwn(settings, name))
    throw new Error(`--setting must name a setting of the server; ${name} is none.`);
  return [name, value];
}
