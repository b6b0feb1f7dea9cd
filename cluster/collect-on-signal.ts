/**
 * For tests: preloaded with --expose-gc, it collects garbage on SIGUSR2 as before running out of memory, empty pages given
 * back, so that memory tells what is held and not what V8 has not looked at.
 */
process.on(
  'SIGUSR2',
  () => void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
);
