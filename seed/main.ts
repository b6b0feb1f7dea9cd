import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { errorText } from '../sql/errors.ts';
import { describeCatalogue } from './catalogue.ts';
import { type SeedOptions, seedDatabase } from './load.ts';
import { progressLine } from './progress.ts';
import { chunksOf, chunkText, tables } from './tables.ts';

const help = `Usage: npm run seed -- [--products N] [--seed S] [--replace | --if-empty]

Fills the database with a generated catalogue; the same N and S give the same bytes everywhere.
Reads DATABASE_OWNER_URL, the database as the role that owns it, or else DATABASE_URL.

  --products N  games, editions and add-ons in all, 1 to 1000000 (default 10000)
  --seed S      0 to 2147483647 (default 1)
  --replace     replace the catalogue that the database holds, instead of refusing
  --if-empty    leave a database that holds products as it is, instead of refusing
  --digest      touch no database; print the SHA-256 of what each table would be loaded with`;

try {
  const { values } = parseArgs({
    options: {
      products: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      replace: { type: 'boolean', default: false },
      'if-empty': { type: 'boolean', default: false },
      digest: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const products = wholeNumber('--products', values.products, 1, 1_000_000);
  const seed = wholeNumber('--seed', values.seed, 0, 2 ** 31 - 1);
  if (values.replace && values['if-empty'])
    throw new Error('Only one of --replace and --if-empty can be given.');
  if (values.help) console.log(help);
  else if (values.digest) printDigests(products, seed);
  else await run(products, seed, values.replace ? 'replace' : values['if-empty'] ? 'keep' : 'refuse');
} catch (error) {
  console.error(errorText(error));
  process.exitCode = 1;
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new Error(`${option} must be a whole number from ${min} to ${max}; it is "${text}".`);
  return value;
}

function printDigests(products: number, seed: number): void {
  const catalogue = describeCatalogue(products, seed);
  for (const table of tables) {
    const hash = createHash('sha256');
    for (let chunk = 0; chunk < chunksOf(table, catalogue); chunk++)
      for (const piece of chunkText(table, catalogue, chunk)) hash.update(piece);
    console.log(`${hash.digest('hex')}  ${table.name}`);
  }
}

async function run(products: number, seed: number, whenHeld: SeedOptions['whenHeld']): Promise<void> {
  const { config, problems } = readConfig(process.env);
  const problem = problems.find((text) => text.startsWith('DATABASE_'));
  if (problem !== undefined) throw new Error(problem);
  const url = config.databaseOwnerUrl || config.databaseUrl;
  if (url === '')
    throw new Error('DATABASE_OWNER_URL is not set; it must be the URL of the database to seed.');
  const startMs = performance.now();
  const onProgress = progressLine(process.stdout);
  const outcome = await seedDatabase(url, { products, seed, whenHeld, onProgress }).finally(() =>
    onProgress(),
  );
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(
    outcome === 'present'
      ? `The database already holds ${whenHeld === 'keep' ? 'a catalogue, which stays' : `these ${products} products`}.`
      : `seeded: ${products} products in ${seconds} s`,
  );
}
