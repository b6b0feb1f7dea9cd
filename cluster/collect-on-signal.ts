/** For tests: preloaded with --expose-gc, it collects garbage on SIGUSR2, so that memory tells what is held and not what V8 has not looked at. */
process.on('SIGUSR2', () => globalThis.gc?.());
