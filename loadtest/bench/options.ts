import { parseArgs } from 'node:util';

export const help = `Usage: npm run bench -- [options]

Server CPU per request of a product page from memory, beside a bare node:http handler that sends the same bytes.
Starts what it needs, as npm start does (DATABASE_URL and REDIS_URL are respected), with one worker.

  --rounds N            rounds of both servers (default 7, at least 5)
  --seconds N           measured time per server and round (default 5)
  --warm-up N           rounds before, which are not counted (default 2)
  --connections N       keep-alive connections, each with one request at a time (default 32)
  --accept-encoding E   identity, gzip or br (default identity)
  --max-ratio X         exit with 1 when the median ratio is above X
  --url URL             measure a running server instead; it needs WORKERS=1 and a MEMORY_TTL_MS longer than the run
  --admin-url URL       its admin address (default http://127.0.0.1:3001)
  --recording           measure what recording metrics costs: the server beside one that records nothing
  --self-check          measure the bare handler against itself; exit with 1 unless the ratio is 0.95 to 1.05
  --json FILE           write the conditions and every round as JSON
  --help                this text`;

function numberFrom(least: number, name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least))
    throw new Error(`--${name} must be a number from ${least} up; it is "${text}".`);
  return value;
}

/** Reads the command line. Throws one sentence about the first option that is wrong. */
export function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '7' },
      seconds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '2' },
      connections: { type: 'string', default: '32' },
      'accept-encoding': { type: 'string', default: 'identity' },
      'max-ratio': { type: 'string', default: 'Infinity' },
      url: { type: 'string' },
      'admin-url': { type: 'string', default: 'http://127.0.0.1:3001' },
      recording: { type: 'boolean', default: false },
      'self-check': { type: 'boolean', default: false },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (!/^(identity|gzip|br)$/.test(values['accept-encoding']))
    throw new Error('--accept-encoding must be identity, gzip or br.');
  for (const name of ['url', 'admin-url'] as const) {
    const given = values[name];
    if (given !== undefined && !URL.canParse(given))
      throw new Error(`--${name} must be a URL; it is "${given}".`);
  }
  return {
    rounds: numberFrom(5, 'rounds', values.rounds),
    seconds: numberFrom(0.1, 'seconds', values.seconds),
    warmUpRounds: numberFrom(0, 'warm-up', values['warm-up']),
    connections: numberFrom(1, 'connections', values.connections),
    acceptEncoding: values['accept-encoding'],
    maxRatio: numberFrom(0, 'max-ratio', values['max-ratio']),
    url: values.url === undefined ? undefined : new URL(values.url),
    adminUrl: new URL(values['admin-url']),
    recording: values.recording,
    selfCheck: values['self-check'],
    json: values.json,
    help: values.help,
  };
}
