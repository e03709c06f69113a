/** Files to start from: the ready policies that come with the package, with the feeds and keys they name. */
import { randomBytes } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from '../pdl/compile/compile.ts';
import type { Program } from '../pdl/ir.ts';
import { CliError } from './exit.ts';

const PACK = fileURLToPath(new URL('../../policies/', import.meta.url));

export interface ReadyPolicy {
  readonly name: string;
  /** The first sentence of its first comment. */
  readonly summary: string;
}

export function readyPolicies(): ReadyPolicy[] {
  return globSync('*.pdl', { cwd: PACK })
    .sort()
    .map((file) => {
      const comment = /^(?:# .*\n)+/.exec(readFileSync(join(PACK, file), 'utf8'))?.[0] ?? '';
      const text = comment.replaceAll(/^# |\n$/gm, '').replaceAll('\n', ' ');
      return { name: basename(file, '.pdl'), summary: /^.*?\.(?= |$)/.exec(text)?.[0] ?? text };
    });
}

/** Text of a ready policy, its puzzle's key in a file beside it. */
function readyText(name: string): string {
  const text = readFileSync(join(PACK, `${name}.pdl`), 'utf8');
  return text.replace(/^secret puzzle_key .*$/m, 'secret puzzle_key from file ".sallyport/puzzle.key"');
}

/**
 * Writes a ready policy to `file`, and beside it the feeds and the keys it names; what is there is kept. The
 * answer is whether anything was written, and what of the policy this release cannot enforce.
 * @throws CliError when a file cannot be written.
 */
export function writeReadyPolicy(
  name: string,
  file: string,
): { readonly written: boolean; readonly needs: readonly string[] } {
  const text = readyText(name);
  const { program, needs } = compile({ path: file, text }, () => null);
  if (program === null) throw new Error(`the ready policy ${name} does not compile`);
  const written = [writeNew(file, text), ...companions(program, dirname(file))].includes(true);
  return { written, needs: needs.map(({ message }) => message) };
}

function companions({ feeds, secrets }: Program, directory: string): boolean[] {
  const lists = feeds
    .filter(({ source }) => source === 'file')
    .map(({ path }) => writeNew(join(directory, path), readFileSync(join(PACK, path), 'utf8')));
  const keys = secrets
    .filter(({ source }) => source === 'file')
    .map(({ path }) => {
      mkdirSync(dirname(join(directory, path)), { recursive: true, mode: 0o700 });
      return writeNew(join(directory, path), `${randomBytes(32).toString('base64url')}\n`, 0o600);
    });
  return [...lists, ...keys];
}

/** True when the file was written, false when there was one. @throws CliError when it cannot be written. */
export function writeNew(file: string, text: string, mode: number = 0o644): boolean {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { flag: 'wx', mode });
    process.stdout.write(`wrote ${file}\n`);
    return true;
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST' || syscall !== 'open') throw new CliError(`cannot write ${file}: ${message}`);
    process.stdout.write(`kept ${file}, which exists\n`);
    return false;
  }
}
