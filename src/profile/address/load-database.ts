/** Reads a MaxMind database into memory that threads share, once it is known to be sound and of the wanted kind. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type Diagnostic, fileProblem } from '../../pdl/diagnostics/diagnostic.ts';
import { Mmdb } from './mmdb.ts';
import { checkMmdb, MmdbError, type MmdbLayout } from './mmdb-check.ts';
import { type OriginDatabases, type OriginKind, SAYS_ORIGIN } from './origins.ts';

/** A larger database is refused unread. */
const MAX_DATABASE_BYTES: number = 1024 * 1024 * 1024;

export interface LoadedDatabase {
  readonly memory: SharedArrayBuffer;
  readonly databaseType: string;
  /** Seconds since the epoch. */
  readonly buildEpoch: number;
  /** Distinct records that say what the database is wanted for. */
  readonly records: number;
}

const WHAT = { country: 'countries', asn: 'autonomous systems' } as const;

/** Loads a database, or says why it is refused: a sentence that goes on from the file's name. */
export function loadDatabase(file: string, kind: OriginKind, nowMs: number): LoadedDatabase | string {
  let memory: SharedArrayBuffer;
  try {
    memory = readShared(file);
  } catch (error) {
    if (error instanceof MmdbError) return error.message;
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return code === 'ENOENT' ? 'it does not exist' : `it cannot be read (${code})`;
  }
  return judgeDatabase(memory, kind, nowMs);
}

/** `loadDatabase` for a file that is already read. */
export function judgeDatabase(
  memory: SharedArrayBuffer,
  kind: OriginKind,
  nowMs: number,
): LoadedDatabase | string {
  let records = 0;
  let layout: MmdbLayout;
  const found: number[] = [];
  try {
    layout = checkMmdb(new Uint8Array(memory), nowMs, (record) => found.push(record));
  } catch (error) {
    if (error instanceof MmdbError) return error.message;
    throw error;
  }
  // why: the name of its type is the vendor's; what its records hold decides what it is good for.
  const database = new Mmdb(memory);
  for (const record of found) if (SAYS_ORIGIN[kind](database.read(record))) records++;
  const { databaseType, buildEpoch } = layout;
  if (records === 0) return `it names no ${WHAT[kind]}: its type is ${JSON.stringify(databaseType)}`;
  return { memory, databaseType, buildEpoch, records };
}

/** @throws MmdbError for a file that is too large or shrinks while it is read, or the system error. */
function readShared(file: string): SharedArrayBuffer {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (size > MAX_DATABASE_BYTES)
      throw new MmdbError(`it is ${size} bytes long; at most ${MAX_DATABASE_BYTES} are read`);
    const memory = new SharedArrayBuffer(size);
    const bytes = new Uint8Array(memory);
    for (let at = 0; at < size; ) {
      const read = readSync(descriptor, bytes, at, size - at, at);
      if (read === 0) throw new MmdbError('it became shorter while it was read');
      at += read;
    }
    return memory;
  } finally {
    closeSync(descriptor);
  }
}

/** A refused database as a diagnostic; a warning when there is a last good one. */
export function databaseProblem(
  file: string,
  kind: OriginKind,
  problem: string,
  isError: boolean,
): Diagnostic {
  const rest = isError ? '' : '; the last good one stays in use';
  const message = `the ${kind} database is refused: ${problem}${rest}`;
  const help = `name a whole MaxMind database (.mmdb) in \`geo.${kind}\`, and replace it by renaming a new file over it`;
  return fileProblem(file, 'GEO-001', message, help, isError ? 'error' : 'warning');
}

/** Paths of databases; null: none. */
export type DatabaseFiles = Readonly<Record<OriginKind, string | null>>;

/** Loads the databases of a configuration; what is wrong with one is an error, and it is left out. */
export function loadDatabases(
  files: DatabaseFiles,
  nowMs: number,
): { readonly databases: OriginDatabases; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const load = (kind: OriginKind): SharedArrayBuffer | null => {
    const file = files[kind];
    if (file === null) return null;
    const loaded = loadDatabase(file, kind, nowMs);
    if (typeof loaded !== 'string') return loaded.memory;
    diagnostics.push(databaseProblem(file, kind, loaded, true));
    return null;
  };
  return { databases: { country: load('country'), asn: load('asn') }, diagnostics };
}
