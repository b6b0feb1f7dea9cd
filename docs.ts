/** `node docs.ts` writes what is said of the settings elsewhere, from `config.ts`: `.env.example` and README.md's table. */
import { readFileSync, writeFileSync } from 'node:fs';
import { settings } from './config.ts';

/** Every setting as a comment: a copy of the file changes nothing until a line is uncommented. */
export function envExample(): string {
  const head =
    '# Every setting with its default, for Docker Compose or `node --env-file`; uncomment what you change.\n';
  return Object.entries(settings).reduce((text, [name, { default: shown, why, fallback }]) => {
    const value = String(fallback) === shown ? shown : '';
    const meaning = value === shown ? why : `${why} Default: ${shown}.`;
    // Quoted where a shell would take the value apart.
    return `${text}\n# ${meaning}\n#${name}=${/\s/.test(value) ? `"${value}"` : value}\n`;
  }, head);
}

/** `readme` with the table of settings between its markers; without them, as it is. */
export function withSettingsTable(readme: string): string {
  const rows = Object.entries(settings).map(
    ([name, { default: shown, why }]) => `| \`${name}\` | ${shown === '' ? 'empty' : shown} | ${why} |`,
  );
  const table = ['| variable | default | what it is |', '|---|---|---|', ...rows].join('\n');
  return readme.replace(
    /(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/,
    (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`,
  );
}

export const envExampleFile = new URL('.env.example', import.meta.url);
export const readmeFile = new URL('README.md', import.meta.url);

if (import.meta.main) {
  writeFileSync(envExampleFile, envExample());
  writeFileSync(readmeFile, withSettingsTable(readFileSync(readmeFile, 'utf8')));
}
