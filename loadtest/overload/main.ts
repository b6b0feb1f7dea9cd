/** `npm run overload`: asks for more than the database can give, and says what becomes of it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { report, untilStopped } from '../../local/conduct.ts';
import { Obstacle } from '../../local/obstacle.js';
import { gatherBelongings } from '../services/belongings.ts';
import { chartOf } from './chart.ts';
import { judge } from './judge.ts';
import { measure } from './measure.ts';
import { help, type Options, readOptions } from './options.ts';
import { reportText } from './report.ts';
import type { Result } from './result.ts';

const defaultResults = fileURLToPath(new URL('../results', import.meta.url));
const chartName = 'overload.svg';

const options = optionsOrReason();
if (typeof options === 'string') {
  console.log(options);
} else if (options?.render !== undefined) {
  process.exitCode = render(options.render, options.chart);
} else if (options !== undefined) {
  const belongings = gatherBelongings('overload');
  // Also when this process fails by a mistake of its own.
  process.once('exit', belongings.destroy);
  await untilStopped(
    () => run(options),
    async () => {},
  );

  async function run(options: Options): Promise<number> {
    const startedAt = new Date();
    const result = await measure(options, belongings, console.log);
    const folder = join(
      options.results ?? defaultResults,
      `${startedAt.toISOString().slice(0, 10)}-overload`,
    );
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'result.json');
    writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
    const exitCode = render(file, options.chart);
    console.log(`Result: ${file}`);
    return exitCode;
  }
}

/** From the file also after a run, so that what is shown is what is kept. */
function render(file: string, chart = join(dirname(file), chartName)): number {
  try {
    const result: Result = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(chart, chartOf(result));
    console.log(`\n${reportText(result)}\n\nChart: ${chart}`);
    return judge(result).every(({ state }) => state === 'held') ? 0 : 1;
  } catch (error) {
    return report(error);
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
