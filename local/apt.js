/**
 * Installs packages of Debian and Ubuntu, where that can be done without asking: as root.
 *
 * JavaScript, because local/install.js runs on Nodes that cannot read TypeScript.
 */
import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);
const policy = '/usr/sbin/policy-rc.d';

export const canApt = () => process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');

/**
 * Resolves true when the package is installed; a service that it brings is neither started now nor at the
 * next boot. Resolves false when apt could not.
 *
 * @param {string} name
 * @param {{ service?: string }} [options]
 */
export async function aptInstall(name, { service } = {}) {
  if (!canApt()) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    run('apt-get', ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', name], {
      env,
    });
  const forbids = service !== undefined && forbidServices();
  try {
    // The lists of packages may be missing, as in a fresh container, or too old.
    await install().catch(() => run('apt-get', ['update'], { env }).then(install));
    if (service !== undefined && existsSync('/run/systemd/system'))
      await run('systemctl', ['disable', service]);
    return true;
  } catch {
    return false;
  } finally {
    if (forbids) rmSync(policy, { force: true });
  }
}

/**
 * Debian asks this script before it starts a service. Ours holds only while we live, so that a killed run
 * leaves no rule behind; one that is there already is left as it is.
 */
function forbidServices() {
  const script = `#!/bin/sh\nkill -0 ${process.pid} 2>/dev/null && exit 101\nrm -f "$0"\nexit 0\n`;
  try {
    writeFileSync(policy, script, { mode: 0o755, flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}
