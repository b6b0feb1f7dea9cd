import { dirname, join, resolve } from 'node:path';

/** The project's own folder. */
export const projectFolder = dirname(import.meta.dirname);

/**
 * Where everything is kept that `npm start` makes: data, locks and passwords. Git ignores it, and it may be deleted
 * while nothing runs. FRONTSHELF_DATA_DIR names another, which the tests use; it is not one of the settings.
 */
export const dataFolder = resolve(process.env.FRONTSHELF_DATA_DIR ?? join(projectFolder, '.local'));

export const lockPath = join(dataFolder, 'start');
export const postgresFolder = join(dataFolder, 'postgres');
