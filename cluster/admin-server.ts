import { createServer, type IncomingMessage, type Server } from 'node:http';
import Negotiator from 'negotiator';
import type { Config } from '../config.ts';
import { type ExpositionFormat, exposition } from '../metrics/exposition.ts';
import packageJson from '../package.json' with { type: 'json' };
import { metricsSource, type PrimaryState } from './primary-metrics.ts';

export interface AdminOptions extends PrimaryState {
  readonly isStopping: () => boolean;
}

/** Metrics, health and status for those who run the server. Answers from what the primary knows and waits for no worker. */
export function createAdminServer({ isStopping, ...state }: AdminOptions): Server {
  const { config, fleet } = state;
  const json = (value: unknown, status = 200) => ({
    status,
    contentType: 'application/json',
    body: `${JSON.stringify(value, undefined, 2)}\n`,
  });

  async function answer(req: IncomingMessage) {
    switch (req.url) {
      case '/metrics': {
        const { contentType, text } = exposition(metricsSource(state), formatFor(req));
        return { status: 200, contentType, body: text };
      }
      case '/livez':
        return json({ status: 'ok' });
      case '/readyz': {
        const ready = !isStopping() && fleet.slots.some(({ member }) => member?.state === 'ready');
        return json({ status: ready ? 'ok' : 'unavailable' }, ready ? 200 : 503);
      }
      case '/status':
        return json(status(config, fleet));
      default:
        return json({ paths: ['/metrics', '/livez', '/readyz', '/status'] }, 404);
    }
  }

  return createServer((req, res) => {
    if (req.method !== 'GET' && req.method !== 'HEAD')
      return void res.writeHead(405, { Allow: 'GET, HEAD' }).end();
    answer(req).then(
      ({ status, contentType, body }) => {
        res.writeHead(status, {
          'Content-Type': contentType,
          'Content-Length': Buffer.byteLength(body),
          'Cache-Control': 'no-store',
        });
        res.end(body);
      },
      () => res.writeHead(500).end(),
    );
  });
}

/** OpenMetrics for those who like it better than plain text; whatever version they name, there is one. */
function formatFor(req: IncomingMessage): ExpositionFormat {
  const known = new Negotiator(req)
    .mediaTypes()
    .find((type) => ['application/openmetrics-text', 'text/plain', 'text/*', '*/*'].includes(type));
  return known === 'application/openmetrics-text' ? 'openmetrics' : 'prometheus';
}

function status(config: Config, { slots, leaving }: PrimaryState['fleet']) {
  return {
    primary: { pid: process.pid, uptimeSeconds: Math.round(process.uptime()) },
    workers: slots.map(({ number, member, restarts }) => ({
      slot: number,
      pid: member?.worker.process.pid ?? null,
      state: member?.state ?? 'waiting',
      uptimeSeconds: member ? Math.round((performance.now() - member.startedAtMs) / 1000) : null,
      restarts,
    })),
    leaving: [...leaving].map(({ worker }) => worker.process.pid ?? null),
    versions: { frontshelf: packageJson.version, node: process.versions.node },
    settings: Object.fromEntries(
      Object.entries(config).map(([name, value]) => [
        name,
        name.endsWith('Url') ? withoutCredentials(value) : value,
      ]),
    ),
  };
}

function withoutCredentials(value: unknown): unknown {
  if (typeof value !== 'string' || !URL.canParse(value)) return value;
  const { protocol, host, pathname } = new URL(value);
  return `${protocol}//${host}${pathname}`;
}
