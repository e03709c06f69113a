/** The list of clients to capture, `clients.yaml`, and the executables of each on this machine. */
import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { CLIENT_KINDS, type ClientKind } from '../../src/profile/clients.ts';

/** The folder that `$PROGRAMS` names. */
export const PROGRAMS: string = fileURLToPath(new URL('programs', import.meta.url));
const LIST = fileURLToPath(new URL('clients.yaml', import.meta.url));
const VERSION_MS = 20_000;
const LIBRARIES = ['OpenSSL', 'GnuTLS', 'NSS', 'wolfSSL', 'mbedTLS', 'LibreSSL', 'BoringSSL', 'rustls'];

/** One entry of the list. */
interface Listed {
  readonly name: string;
  readonly kind: ClientKind;
  /** `printed`: in what `version` prints; null: it writes its hellos itself. */
  readonly library: string | null;
  /** What is run, where that is another than the client whose hello it sends. */
  readonly program?: string;
  readonly command: string | readonly string[];
  readonly version: string;
  readonly run: readonly string[];
}

/** One executable that was found. */
export interface Installed {
  readonly name: string;
  /** What runs, for people. */
  readonly label: string;
  readonly kind: ClientKind;
  readonly library: string | null;
  readonly executable: string;
  /** As far as the table keeps it. */
  readonly version: string;
  /** As it was printed. */
  readonly fullVersion: string;
  readonly run: readonly string[];
}

/** @throws Error that names the entry that is wrong. */
function readList(): readonly Listed[] {
  const list = parse(readFileSync(LIST, 'utf8')) as readonly Listed[];
  for (const { name, kind, run } of list) {
    if (!CLIENT_KINDS.includes(kind) || !Array.isArray(run))
      throw new Error(`clients.yaml: ${name} is wrong`);
  }
  return list;
}

/**
 * Every client of the list that is on the path, each version once.
 * @param only Names to look for; none: all.
 * @param onMissing Told of an entry without an executable that works.
 */
export async function installed(
  path: readonly string[],
  only: readonly string[],
  onMissing: (name: string, why: string) => void,
): Promise<readonly Installed[]> {
  const wanted = only.map((name) => name.toLowerCase());
  const found: Installed[] = [];
  for (const listed of readList()) {
    if (wanted.length > 0 && !wanted.includes(listed.name.toLowerCase())) continue;
    const executables = [listed.command].flat().flatMap((command) => executablesOf(command, path));
    const all = await Promise.all(executables.map((executable) => identify(listed, executable)));
    const known = new Map(
      all.flatMap((each) => (each === null ? [] : [[each.fullVersion + each.library, each]])),
    );
    if (known.size === 0) {
      onMissing(
        listed.name,
        executables.length === 0 ? `${listed.command} is not installed` : 'it does not work',
      );
    }
    found.push(...known.values());
  }
  return found;
}

function executablesOf(command: string, path: readonly string[]): readonly string[] {
  const files = path.flatMap((directory) => {
    const file = join(directory, command);
    try {
      accessSync(file, constants.X_OK);
      return [[realpathSync(file), file] as const];
    } catch {
      return [];
    }
  });
  return [...new Map(files).values()];
}

async function identify(
  { version, library, name, program, kind, run }: Listed,
  executable: string,
): Promise<Installed | null> {
  const printed = await new Promise<string | null>((resolve) => {
    const env = { ...process.env, CMD: executable, PROGRAMS };
    execFile('sh', ['-c', version], { env, timeout: VERSION_MS }, (error, stdout) => {
      resolve(error === null ? stdout : null);
    });
  });
  const fullVersion = /\d+(?:\.\d+)+/.exec(printed ?? '')?.[0];
  if (printed === null || fullVersion === undefined) return null;
  const ofPrinted = LIBRARIES.find((each) => printed.toLowerCase().includes(each.toLowerCase()));
  return {
    ...{ name, kind, executable, run, fullVersion },
    label: `${program === undefined ? '' : `${program}, by `}${name} ${fullVersion}`,
    library: library === 'printed' ? (ofPrinted ?? null) : library,
    version: shortVersion(fullVersion, kind),
  };
}

/** Two numbers; one of a browser that counts its releases by it. */
function shortVersion(version: string, kind: ClientKind): string {
  const numbers = version.split('.');
  return numbers.slice(0, kind === 'browser' && Number(numbers[0]) >= 10 ? 1 : 2).join('.');
}

/** The directories of PATH, those first that are given. */
export function searchPath(first: readonly string[]): readonly string[] {
  return [...first, ...(process.env.PATH ?? '').split(delimiter)];
}
