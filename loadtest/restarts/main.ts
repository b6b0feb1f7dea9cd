/** `npm run prove:restarts`: what is lost when a server is restarted, killed or stopped under load. */
import { runProver } from '../provers/command.ts';
import { help, readOptions } from './options.ts';
import { prove } from './prove.ts';
import { isKept, reportText } from './report.ts';

await runProver({
  name: 'prove:restarts',
  help,
  readOptions,
  async prove(options, belongings, say) {
    const result = await prove(options, belongings, say);
    return { result, text: reportText(result), isKept: isKept(result) };
  },
});
