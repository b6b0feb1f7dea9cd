/** `npm run dashboards`: writes the dashboards' JSON, which is committed because Grafana reads it as it is. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { generate } from './generate.ts';

const help = `Usage: npm run dashboards

Writes the dashboards of metrics/grafana/*.ts to metrics/grafana/dashboards/*.json, which Grafana reads.

  --help   this text`;

try {
  const { values } = parseArgs({ options: { help: { type: 'boolean', default: false } } });
  if (values.help) console.log(help);
  else {
    const folder = new URL('dashboards/', import.meta.url);
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of generate()) {
      writeFileSync(new URL(name, folder), text);
      console.log(`metrics/grafana/dashboards/${name}`);
    }
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
