/**
 * What has to be known after the process that knew it is gone: state.json in the data folder, which its owner
 * alone may read. Whoever holds the lock `start` writes it; others may read it.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Child } from './children.ts';
import { dataFolder } from './folder.ts';
import { Obstacle } from './obstacle.js';

export interface State {
  /** Of the embedded Postgres' roles; made once, since Postgres keeps them too. */
  readonly passwords: { readonly postgres: string; readonly owner: string; readonly reader: string };
  /** Where they listened last; taken again when free, so that a bookmark or a psql history still fits. */
  readonly ports: { readonly postgres?: number; readonly redis?: number };
  /** The run now under way; absent after one that stopped by itself. */
  readonly run?: Run;
}

export interface Run {
  readonly command: 'npm start' | 'npm run seed';
  readonly pid: number;
  readonly children: readonly Child[];
  /** Where pages are served; absent until they are. */
  readonly url?: string;
  /** The embedded Postgres as the role that owns the catalogue; absent until it holds the schema. */
  readonly ownerUrl?: string;
}

const path = join(dataFolder, 'state.json');

/** Returns a fresh state, with new passwords, when there is none. */
export function readState(): State {
  try {
    // Written by this module alone.
    return JSON.parse(readFileSync(path, 'utf8')) as State;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      throw new Obstacle(`${path} cannot be read; delete ${dataFolder} to begin anew.`);
    const password = () => randomBytes(18).toString('base64url');
    return { passwords: { postgres: password(), owner: password(), reader: password() }, ports: {} };
  }
}

/** Whole or not at all, whenever the process dies. */
export function writeState(state: State): void {
  mkdirSync(dataFolder, { recursive: true, mode: 0o755 });
  writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
