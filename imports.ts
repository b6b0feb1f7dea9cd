/** What source files import, for the tests that hold folders and images to it. */
import { posix } from 'node:path';

export interface Import {
  /** A path from the project's folder, or the name of a package or of one of Node's modules. */
  readonly target: string;
  readonly isFile: boolean;
  readonly typeOnly: boolean;
}

/** The imports of the source text at `path`, however they are written. */
export function importsOf(path: string, source: string): Import[] {
  const statements = source.matchAll(
    /^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"`]([^'"`]+)/gm,
  );
  return [...statements].map(([, type, specifier = '', dynamic = specifier]) => {
    const isFile = dynamic.startsWith('.');
    const target = isFile ? posix.join(posix.dirname(path), dynamic) : dynamic;
    return { target, isFile, typeOnly: type !== undefined };
  });
}
