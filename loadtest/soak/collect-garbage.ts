/**
 * Loaded into the server's processes by NODE_OPTIONS, from outside: on SIGUSR2 all garbage is collected. V8 does that when
 * it thinks fit, which may be tens of megabytes later, and what a process holds cannot be told from what it has let go of.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');
process.on('SIGUSR2', () => {
  // As before running out of memory: all that can be collected, and empty pages are given back.
  if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
});
