/** `npm run bench:export`: what an export of the whole catalogue takes, holds, and does to those who ask for pages. */
import { runProver } from '../provers/command.ts';
import { measure } from './measure.ts';
import { help, readOptions } from './options.ts';
import { findingsOf, reportText, voidReason } from './report.ts';

await runProver({
  name: 'bench:export',
  help,
  readOptions,
  async prove(options, belongings, say) {
    const result = await measure(options, belongings, say);
    const isKept = voidReason(result) === undefined && findingsOf(result).every(({ isKept }) => isKept);
    return { result, text: reportText(result), isKept };
  },
});
