/** `npm run soak`: what a server answers while one thing after the other breaks, and what it holds afterwards. */
import { runProver } from '../provers/command.ts';
import { help, readOptions } from './options.ts';
import { isKept, reportText, soak } from './soak.ts';

await runProver({
  name: 'soak',
  help,
  readOptions,
  async prove(options, belongings, say) {
    const result = await soak(options, belongings, say);
    return { result, text: reportText(result), isKept: isKept(result) };
  },
});
