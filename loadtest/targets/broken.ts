import { expressMonolith } from './express.ts';
import type { Surroundings, Target } from './target.ts';

/** Targets that give wrong answers, for the proof that the lab reports such as broken and not as fast. */

export const brokenWrongProduct: Target = {
  name: 'broken-wrong-product',
  summary: 'express-monolith with the media of another product.',
  api: 'parts',
  programs: (surroundings) => breaking('wrong-product', surroundings),
};

export const broken500: Target = {
  name: 'broken-500',
  summary: 'express-monolith with an error for media.',
  api: 'parts',
  programs: (surroundings) => breaking('500', surroundings),
};

function breaking(how: '500' | 'wrong-product', surroundings: Surroundings) {
  const programs = expressMonolith.programs(surroundings);
  const [upstream] = programs;
  if (upstream === undefined) throw new Error(`${expressMonolith.name} has no programs.`);
  const port = surroundings.port();
  const proxy = {
    file: 'loadtest/targets/broken/main.ts',
    env: { PORT: String(port), BREAK: how, UPSTREAM: `http://127.0.0.1:${upstream.port}` },
    port,
    readyPath: upstream.readyPath,
  };
  return [proxy, ...programs];
}
