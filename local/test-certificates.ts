/** For tests: a CA of one's own and a certificate from it for 127.0.0.1 and localhost, made by openssl. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPath } from './on-path.ts';
import { serviceAccount } from './unprivileged.ts';

/** Why there can be none, for a test's `skip`; false when there can. */
export const noOpenssl = onPath('openssl') ? false : 'openssl is not on the PATH';

/** Paths of PEM files. The key belongs to the account that services run as. */
export interface Certificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  remove(): void;
}

export function createCertificates(names = 'IP:127.0.0.1,DNS:localhost'): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'frontshelf-certificates-'));
  chmodSync(folder, 0o755);
  const path = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-subj', '/CN=CA of a test', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl('req', ...key.slice(0, 5), '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(path('names'), `subjectAltName=${names}\n`);
  openssl(
    ...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-days', '2', '-extfile', 'names', '-out', 'server.pem'],
  );
  // Postgres does not take a key that others may read.
  chmodSync(path('server.key'), 0o600);
  const account = serviceAccount();
  if (account) chownSync(path('server.key'), account.uid, account.gid);
  return {
    ca: path('ca.pem'),
    certificate: path('server.pem'),
    key: path('server.key'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
