import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aptInstall, canApt } from './apt.js';
import { onPath } from './on-path.ts';
import { freePort } from './ports.ts';
import { end, type ProcessIdentity } from './processes.js';
import { type Service, startService } from './service.ts';
import { runAs, serviceAccount } from './unprivileged.ts';

export interface Prometheus extends Service {
  readonly url: string;
  /** Resolves when it is gone; its data stays. */
  stop(): Promise<void>;
}

/** The path of Prometheus; undefined when it is not on the PATH. */
export const findPrometheus = () => onPath('prometheus');

/** The same, after installing it where apt can be used. `say` hears of that, since it takes a while. */
export async function findOrInstallPrometheus(say: (sentence: string) => void): Promise<string | undefined> {
  const found = findPrometheus();
  if (found !== undefined || !canApt()) return found;
  say('Installing prometheus with apt.');
  await aptInstall('prometheus', { service: 'prometheus' });
  return findPrometheus();
}

interface PrometheusOptions {
  /** Its path. */
  readonly program: string;
  /** As in prometheus.yml, with the rule files' absolute paths; written to `folder`. */
  readonly config: { readonly rule_files?: readonly string[] };
  /** For its data; made when it is not there. */
  readonly folder: string;
  /** A free one unless given. */
  readonly port?: number;
  readonly onSpawn?: (process: ProcessIdentity) => void;
}

/** Rejects with Obstacle, which repeats Prometheus' reason, when it does not like what it is given. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { program, config, folder, onSpawn } = options;
  const port = options.port ?? (await freePort());
  mkdirSync(folder, { recursive: true });
  const account = serviceAccount(folder);
  if (account) chownSync(folder, account.uid, account.gid);
  const configFile = join(folder, 'prometheus.yml');
  // JSON is YAML. It may hold a token.
  writeFileSync(configFile, JSON.stringify(config, null, 2), { mode: 0o600 });
  chmodSync(configFile, 0o600);
  if (account) chownSync(configFile, account.uid, account.gid);
  const args = [`--config.file=${configFile}`, `--storage.tsdb.path=${join(folder, 'data')}`];
  args.push(`--web.listen-address=127.0.0.1:${port}`, '--web.enable-remote-write-receiver');
  // The error budget is about 30 days.
  args.push('--storage.tsdb.retention.time=31d');
  const invocation = runAs(account, program, args, [folder, configFile, ...(config.rule_files ?? [])]);
  const service = await startService(invocation, 'Server is ready to receive web requests', onSpawn);
  return {
    ...service,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      await end(service.process, [
        { signal: 'SIGTERM', waitMs: 3000 },
        { signal: 'SIGKILL', waitMs: 1000 },
      ]);
    },
  };
}
