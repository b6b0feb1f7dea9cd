/** `npm run prove:coherence`: tries to catch the server with an answer that is older than promised. */
import { existsSync, writeFileSync } from 'node:fs';
import { report, untilStopped } from '../../local/conduct.ts';
import { Obstacle } from '../../local/obstacle.js';
import { gatherBelongings } from '../services/belongings.ts';
import { help, type Options, readOptions } from './options.ts';
import { prove } from './prove.ts';
import { reportText } from './report.ts';

const options = optionsOrReason();
if (typeof options === 'string') {
  console.log(options);
} else if (options !== undefined) {
  const belongings = gatherBelongings('coherence');
  // Also when this process fails by a mistake of its own.
  process.once('exit', belongings.destroy);
  await untilStopped(
    () => run(options),
    async () => {},
  );

  async function run(options: Options): Promise<number> {
    if (!existsSync('/proc/net/tcp'))
      throw new Obstacle('npm run prove:coherence needs Linux: /proc tells it which worker answers.');
    const result = await prove(options, belongings, console.log);
    console.log(reportText(result));
    if (options.json) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
    return result.lyingAnswers === 0 && result.thin.length === 0 ? 0 : 1;
  }
}

/** The help, or undefined when the options are wrong, which is said. */
function optionsOrReason(): Options | string | undefined {
  try {
    return readOptions(process.argv.slice(2)) ?? help;
  } catch (error) {
    process.exitCode = report(new Obstacle(error instanceof Error ? error.message : String(error)));
    return undefined;
  }
}
