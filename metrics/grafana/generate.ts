import { loadTest } from './load-test.ts';
import { saturation } from './saturation.ts';
import { service } from './service.ts';
import { tiers } from './tiers.ts';

/** The text of each dashboard's file by the file's name, as Grafana's provisioning reads it. */
export function generate(): ReadonlyMap<string, string> {
  const dashboards = {
    service: service(),
    tiers: tiers(),
    saturation: saturation(),
    'load-test': loadTest(),
  };
  return new Map(
    Object.entries(dashboards).map(([name, dashboard]) => [
      `${name}.json`,
      `${JSON.stringify(dashboard, inSight, 2)}\n`,
    ]),
  );
}

/** The builders put links and annotations into a menu by default, where nobody would see them. */
const inSight = (key: string, value: unknown) =>
  key === 'placement' && value === 'inControlsMenu' ? undefined : value;
