/** Policy files named on a command line. */
import { globSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CliError, EXIT } from './exit.ts';

/**
 * The files that `paths` name: a file stands for itself, a folder for the `.pdl` files in it and below, in
 * order, without those of hidden folders and `node_modules`.
 * @throws CliError when a path is not there.
 */
export function policyFiles(paths: readonly string[]): string[] {
  const files = paths.flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw new CliError(`there is no file or folder ${path}`, EXIT.usage);
    if (!found.isDirectory()) return [path];
    return globSync('**/*.pdl', { cwd: path, exclude: (name) => isLeftOut(name) })
      .sort()
      .map((file) => join(path, file));
  });
  return [...new Set(files)];
}

function isLeftOut(name: string): boolean {
  return /(?:^|[/\\])(?:\.[^./\\]|node_modules$)/.test(name);
}

/** A path as people write it: relative to the working directory when it lies below. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? path : short;
}
