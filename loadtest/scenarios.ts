import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Scenario {
  readonly name: string;
  readonly path: string;
  /** First sentence of the comment at its head. */
  readonly summary: string;
}

/** Every file in `scenarios/` is one. */
export function listScenarios(): Scenario[] {
  const folder = new URL('./scenarios/', import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => {
      const path = fileURLToPath(new URL(file, folder));
      const comment = /^\/\*\*\n(.*?)\*\//s.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
      const text = comment
        .replaceAll(/^ \* ?/gm, '')
        .replaceAll(/\s+/g, ' ')
        .trim();
      return {
        name: file.slice(0, -'.ts'.length),
        path,
        summary: /^.*?[.:?](?= |$)/.exec(text)?.[0] ?? text,
      };
    });
}
