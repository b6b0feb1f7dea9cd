/** The lab as a command: what is measured, by which names, and where its report goes. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { untilStopped } from '../../local/conduct.ts';
import { Obstacle } from '../../local/obstacle.js';
import type { Options } from '../options.ts';
import { judgeRun } from '../report/judge.ts';
import { writeReport } from '../report/report.ts';
import type { Scenario } from '../scenarios.ts';
import { gatherBelongings } from '../services/belongings.ts';
import { findTarget, listTargets } from '../targets/targets.ts';
import { runLab } from './lab.ts';
import { sizeNamed } from './limits.ts';

const defaultResults = fileURLToPath(new URL('../results', import.meta.url));
/** The staleness that Frontshelf promises, which is asked of all where pages are edited. */
const editsStalenessMs = 250;

/** Measures, reports and ends this process: with 1 when a target was broken, or could not be started. */
export async function runLabCommand(k6: string, scenario: Scenario, options: Options): Promise<never> {
  const names = options.targets ?? [];
  const targets = names.includes('all') ? listTargets().slice(0, 5) : names.map(targetNamed);
  const belongings = gatherBelongings('lab');
  const work = async (): Promise<number> => {
    const startedAt = new Date();
    const result = await runLab(
      {
        scenario,
        k6,
        targets,
        sizes: options.sizes.map((name) => sizeNamed(name)),
        rounds: options.rounds,
        products: options.products,
        timeScale: options.timeScale,
        variables: options.variables,
        stalenessMs: options.stalenessMs ?? (scenario.name === 'edits' ? editsStalenessMs : null),
        prometheus: options.prometheus,
      },
      belongings,
      console.log,
    );
    const folder = join(
      options.results ?? defaultResults,
      `${startedAt.toISOString().slice(0, 10)}-${scenario.name}`,
    );
    mkdirSync(folder, { recursive: true });
    writeReport(result, folder);
    const broken = result.runs.filter((run) => judgeRun(run, scenario.name).state === 'broken');
    for (const run of broken)
      console.error(`${run.target} is broken: ${judgeRun(run, scenario.name).reasons.join(' ')}`);
    console.log(`Report: ${join(folder, 'report.html')}`);
    return broken.length === 0 ? 0 : 1;
  };
  return untilStopped(work, async () => belongings.destroy());
}

function targetNamed(name: string) {
  const target = findTarget(name);
  if (target === undefined)
    throw new Obstacle(
      `--target must be one or more of: ${listTargets()
        .map((known) => known.name)
        .join(', ')}, frontshelf-workers-N; "${name}" is none.`,
    );
  return target;
}
