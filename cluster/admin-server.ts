import { hash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { isIP } from 'node:net';
import Negotiator from 'negotiator';
import { type Config, shownSettings } from '../config.ts';
import { type ExpositionFormat, exposition } from '../metrics/exposition.ts';
import packageJson from '../package.json' with { type: 'json' };
import { metricsSource, type PrimaryState } from './primary-metrics.ts';

export interface AdminOptions extends PrimaryState {
  readonly isStopping: () => boolean;
  readonly onUnexpectedError: (error: unknown) => void;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Far more than there are scrapers and probes; who holds them all open keeps the primary's work as it is. */
const mostConnections = 256;

/**
 * Metrics, health and status for those who run the server. Answers from what the primary knows and waits for no worker.
 *
 * With ADMIN_TOKEN set, metrics and status are for who sends it. Without, the server is on a loopback address, and every
 * program of the machine may read them; the pages that a browser on it shows may not, for which the Host is looked at: a
 * page whose own name is made to lead to 127.0.0.1 (DNS rebinding) sends that name.
 */
export function createAdminServer({ isStopping, onUnexpectedError, ...state }: AdminOptions): Server {
  const { config, fleet } = state;

  function answer(req: IncomingMessage): Answer {
    if (req.method !== 'GET' && req.method !== 'HEAD')
      return refusal(405, 'Only GET and HEAD exist here.', { Allow: 'GET, HEAD' });
    if (config.adminToken === '' && !isOwnHost(req.headers.host, config.adminHost))
      return refusal(421, 'The Host must be an IP address, localhost or ADMIN_HOST.');
    switch (req.url) {
      case '/metrics': {
        if (!isAllowed(req, config)) return unauthorized();
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
        return isAllowed(req, config) ? json(status(config, fleet)) : unauthorized();
      default:
        return json({ paths: ['/metrics', '/livez', '/readyz', '/status'] }, 404);
    }
  }

  const server = createServer(
    {
      headersTimeout: 5000,
      requestTimeout: 10_000,
      // The two above are only looked at this often.
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 5000,
      maxHeaderSize: 8192,
      requireHostHeader: true,
      insecureHTTPParser: false,
      shouldUpgradeCallback: () => false,
    },
    (req, res) => {
      const { status, contentType, body, headers } = answered(req);
      res.writeHead(status, {
        'Content-Type': contentType,
        'Content-Length': Buffer.byteLength(body),
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        'Cross-Origin-Resource-Policy': 'same-origin',
        ...headers,
      });
      res.end(req.method === 'HEAD' ? undefined : body);
    },
  );
  // The only limit on a client that reads slowly.
  server.timeout = 30_000;
  server.maxHeadersCount = 64;
  server.maxConnections = mostConnections;
  return server;

  function answered(req: IncomingMessage): Answer {
    try {
      return answer(req);
    } catch (error) {
      onUnexpectedError(error);
      return refusal(500, 'This could not be answered because of an error in the server.');
    }
  }
}

const json = (value: unknown, status = 200): Answer => ({
  status,
  contentType: 'application/json',
  body: `${JSON.stringify(value, undefined, 2)}\n`,
});

const refusal = (status: number, detail: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  ...json({ status, detail }, status),
  headers,
});

const unauthorized = () =>
  refusal(401, 'The Authorization must be Bearer with ADMIN_TOKEN.', { 'WWW-Authenticate': 'Bearer' });

/** Compared by their hashes, which are of one length, so that the time taken tells nothing of the token. */
function isAllowed(req: IncomingMessage, { adminToken }: Config): boolean {
  if (adminToken === '') return true;
  const [, given] = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '') ?? [];
  return given !== undefined && timingSafeEqual(sha256(given), sha256(adminToken));
}

const sha256 = (text: string) => hash('sha256', text, 'buffer');

/** Names that no stranger can give an address to. HTTP/1.0, which no browser speaks, may come without one. */
function isOwnHost(host: string | undefined, adminHost: string): boolean {
  if (host === undefined) return true;
  const [, bracketed, name = bracketed ?? ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(host) ?? [];
  return isIP(name) !== 0 || name === 'localhost' || name === adminHost;
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
    settings: shownSettings(config),
  };
}
