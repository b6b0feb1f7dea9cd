/** A scenario on several targets by turns, each on the same database, and what each run came to. */
import { writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { machineConditions } from '../bench/conditions.ts';
import type { Scenario } from '../scenarios.ts';
import type { Belongings } from '../services/belongings.ts';
import type { Target } from '../targets/target.ts';
import { measure } from './measure.ts';
import { readProducts } from './pages.ts';
import { isPlaced, leaveGeneratorCore, machineCores } from './placement.ts';
import type { Result, Run, Size } from './result.ts';
import { setStage } from './stage.ts';

export interface Plan {
  readonly scenario: Scenario;
  readonly k6: string;
  readonly targets: readonly Target[];
  readonly sizes: readonly Size[];
  readonly rounds: number;
  readonly products: number;
  readonly timeScale: number;
  /** For the scenario's script, beside those that the lab sets itself. */
  readonly variables: Readonly<Record<string, string>>;
  readonly stalenessMs: number | null;
  readonly prometheus: string | undefined;
}

/** Resolves what was measured. `say` hears of each step. Rejects with Obstacle when something cannot be started. */
export async function runLab(
  plan: Plan,
  belongings: Belongings,
  say: (line: string) => void,
): Promise<Result> {
  const { scenario, targets, sizes, rounds } = plan;
  leaveGeneratorCore();
  say(`Making a database of ${plan.products} products.`);
  const stage = await setStage(belongings, plan.products);
  const products = await readProducts(stage.ownerUrl);
  const productsFile = join(belongings.folder, 'products.json');
  writeFileSync(productsFile, JSON.stringify(products.map(({ id, slug }) => [id, slug])));

  const common = { plan, stage, products, productsFile, belongings, say };
  const runs: Run[] = [];
  const total = rounds * sizes.length * targets.length;
  for (let round = 1; round <= rounds; round++)
    // Each target goes first once in as many rounds, so that no one has the warmer machine.
    for (const size of sizes)
      for (let turn = 0; turn < targets.length; turn++) {
        const target = targets[(turn + round - 1) % targets.length];
        if (target === undefined) continue;
        say(`[${runs.length + 1}/${total}] ${target.name}, ${size.name}, round ${round}`);
        const run = await measure({ ...common, target, size, round });
        runs.push(run);
        say(`    ${summaryOf(run)}`);
      }

  const { date, commit, uncommittedChanges, node, kernel, cpu } = machineConditions();
  return {
    scenario: {
      name: scenario.name,
      question: scenario.summary,
      settings: plan.variables,
      timeScale: plan.timeScale,
    },
    conditions: {
      date,
      commit,
      uncommittedChanges,
      node,
      kernel,
      cpu,
      cores: machineCores,
      memoryBytes: totalmem(),
      placement: isPlaced
        ? `generator on the last core, target, Postgres and Redis on the others`
        : 'as the system chose',
      products: plan.products,
      rounds,
      stalenessMs: plan.stalenessMs ?? 'each target has its own default',
    },
    runs,
  };
}

function summaryOf(run: Run): string {
  const perView = (seconds: number) => ((1000 * seconds) / Math.max(1, run.pageViews)).toFixed(2);
  return [
    `${(run.pageViews / run.seconds).toFixed(1)} page views/s`,
    `response avg ${run.responseMs.avg.toFixed(1)} ms, p99 ${run.responseMs.p99.toFixed(1)} ms`,
    `${perView(run.serverCpuSeconds)} ms CPU per page view`,
    `${run.failedRequests} of ${run.requests} failed, ${run.wrongAnswers} wrong`,
    ...run.wrongPages.slice(0, 1),
  ].join('; ');
}
