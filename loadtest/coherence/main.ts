/** `npm run prove:coherence`: tries to catch the server with an answer that is older than promised. */
import { runProver } from '../provers/command.ts';
import { help, readOptions } from './options.ts';
import { prove } from './prove.ts';
import { reportText } from './report.ts';

await runProver({
  name: 'prove:coherence',
  help,
  readOptions,
  async prove(options, belongings, say) {
    const result = await prove(options, belongings, say);
    return {
      result,
      text: reportText(result),
      isKept: result.lyingAnswers === 0 && result.thin.length === 0,
    };
  },
});
