/**
 * The MaxMind databases in use: loaded away from the loops that carry traffic, looked at again when their files
 * change. A file that is refused leaves the last good one in use.
 */
import { statSync } from 'node:fs';
import type { Diagnostic } from '../../pdl/diagnostics/diagnostic.ts';
import { type DatabaseFiles, databaseProblem, type LoadedDatabase } from './load-database.ts';
import type { OriginDatabases, OriginKind } from './origins.ts';

/** How one database is, for metrics and status. */
export interface DatabaseHealth {
  readonly database: OriginKind;
  readonly type: string | null;
  /** When its vendor built it, in seconds since the epoch; null: none is in use. */
  readonly builtAt: number | null;
  readonly bytes: number;
  /** Loads since the start, by result. */
  readonly results: { readonly loaded: number; readonly refused: number };
  /** Why the file as it is now is not in use; null: it is. */
  readonly reason: string | null;
}

export interface OriginStoreOptions {
  readonly files: DatabaseFiles;
  readonly load: (task: {
    readonly file: string;
    readonly kind: OriginKind;
  }) => Promise<LoadedDatabase | string>;
  /** A file is not the one that was last looked at. */
  readonly onChanged: () => void;
}

const CHECK_MS = 1_000;

interface Entry {
  readonly kind: OriginKind;
  readonly file: string;
  /** Tells one state of the file from another. */
  seen: string;
  inUse: LoadedDatabase | null;
  loaded: number;
  refused: number;
  reason: string | null;
}

export class OriginStore {
  readonly #options: OriginStoreOptions;
  readonly #entries: readonly Entry[];
  #timer: NodeJS.Timeout | null = null;

  constructor(options: OriginStoreOptions) {
    this.#options = options;
    this.#entries = (['country', 'asn'] as const).flatMap((kind) => {
      const file = options.files[kind];
      return file === null
        ? []
        : [{ kind, file, seen: '', inUse: null, loaded: 0, refused: 0, reason: null } satisfies Entry];
    });
  }

  get databases(): OriginDatabases {
    const memory = (wanted: OriginKind): SharedArrayBuffer | null =>
      this.#entries.find(({ kind }) => kind === wanted)?.inUse?.memory ?? null;
    return { country: memory('country'), asn: memory('asn') };
  }

  /** Loads what changed. A refusal is an error when nothing is in use yet, else a warning. */
  async refresh(): Promise<Diagnostic[]> {
    const refusals = await Promise.all(this.#entries.map((entry) => this.#refresh(entry)));
    return refusals.flat();
  }

  async #refresh(entry: Entry): Promise<Diagnostic[]> {
    const state = stateOf(entry.file);
    if (state === entry.seen && entry.inUse !== null) return [];
    entry.seen = state;
    const result = await this.#options.load(entry);
    const problem = typeof result === 'string' ? result : olderThan(result, entry.inUse);
    entry.reason = problem;
    if (problem === null) {
      entry.inUse = result as LoadedDatabase;
      entry.loaded++;
      return [];
    }
    entry.refused++;
    return [databaseProblem(entry.file, entry.kind, problem, entry.inUse === null)];
  }

  /** From here on `onChanged` is called when a file changes. */
  watch(): void {
    if (this.#entries.length === 0 || this.#timer !== null) return;
    this.#timer = setInterval(() => {
      if (this.#entries.some(({ file, seen }) => stateOf(file) !== seen)) this.#options.onChanged();
    }, CHECK_MS);
    this.#timer.unref();
  }

  health(): DatabaseHealth[] {
    return this.#entries.map(({ kind, inUse, loaded, refused, reason }) => ({
      database: kind,
      type: inUse?.databaseType ?? null,
      builtAt: inUse?.buildEpoch ?? null,
      bytes: inUse?.memory.byteLength ?? 0,
      results: { loaded, refused },
      reason,
    }));
  }

  close(): void {
    clearInterval(this.#timer ?? undefined);
  }
}

function stateOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? 'missing' : `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
}

const day = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(0, 10);

function olderThan({ buildEpoch }: LoadedDatabase, inUse: LoadedDatabase | null): string | null {
  if (inUse === null || buildEpoch >= inUse.buildEpoch) return null;
  return `it was built on ${day(buildEpoch)}, before the one in use (${day(inUse.buildEpoch)})`;
}
