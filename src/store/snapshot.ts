/**
 * Saves the shared tables to a file and reads them back, so that what is known of clients outlives the
 * process: a SQLite database that is written beside the old one and then takes its place. Keys are hashes
 * under the tables' seed, so the file names no client; with the seed in it, it is kept from other users.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SavedEntry, SharedTable } from '../limit/shared-table.ts';

const VERSION = 1;
/** Slots that are looked at in one turn of the event loop. */
const SLICE = 1_024;
/** Words of a saved entry before its values: key, age and time left. */
const HEAD_WORDS = 4;
/** Longest piece of a table that is read back. */
const MAX_PIECE_BYTES = 64 * 1024 * 1024;
const SEED_BYTES = 16;
const DAMAGED = 'it is damaged';

export interface SnapshotSource {
  readonly seed: Uint8Array;
  /** Window of the clients' counts, without which they mean nothing. */
  readonly windowMs: number;
  readonly tables: Readonly<Record<string, SharedTable>>;
}

interface Piece {
  readonly table: string;
  readonly entryWords: number;
  readonly entries: Int32Array;
}

/** A snapshot that was read and found whole. */
export interface Snapshot {
  readonly seed: Uint8Array;
  readonly windowMs: number;
  readonly savedAtMs: number;
  readonly pieces: readonly Piece[];
}

/**
 * Writes a snapshot; the one before stays until it is whole and on the disk. Works a slice a turn, beside
 * the traffic. Resolves with the number of entries. @throws the system's or SQLite's error.
 */
export async function saveSnapshot(
  file: string,
  { seed, windowMs, tables }: SnapshotSource,
): Promise<number> {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  closeSync(openSync(draft, 'wx', 0o600));
  const database = new DatabaseSync(draft);
  let saved = 0;
  try {
    // why: a draft that is not whole is thrown away, so it needs no journal.
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF');
    database.exec(
      'CREATE TABLE meta (version INTEGER, seed BLOB, window_ms INTEGER, saved_at_ms INTEGER, sha256 BLOB)',
    );
    database.exec('CREATE TABLE piece (name TEXT, entry_words INTEGER, entries BLOB)');
    const hash = createHash('sha256');
    const savedAtMs = Date.now();
    const insert = database.prepare('INSERT INTO piece VALUES (?, ?, ?)');
    for (const [name, table] of Object.entries(tables)) {
      for (let first = 0; first < table.slots; first += SLICE) {
        const entries = [...table.entries(savedAtMs, first, SLICE)];
        if (entries.length > 0) {
          const piece = pack(entries);
          insert.run(name, piece.words, piece.bytes);
          hash.update(`${name} ${piece.words} ${piece.bytes.length} `).update(piece.bytes);
          saved += entries.length;
        }
        await nextTurn();
      }
    }
    database
      .prepare('INSERT INTO meta VALUES (?, ?, ?, ?, ?)')
      .run(VERSION, seed, windowMs, savedAtMs, hash.update(`${windowMs} ${savedAtMs}`).update(seed).digest());
  } finally {
    database.close();
  }
  const handle = await open(draft, 'r+');
  await handle.sync().finally(() => handle.close());
  renameSync(draft, file);
  return saved;
}

function pack(entries: readonly SavedEntry[]): { readonly words: number; readonly bytes: Uint8Array } {
  const words = HEAD_WORDS + entries[0]!.values.length;
  const packed = new Int32Array(entries.length * words);
  for (const [index, { key, ageMs, leftMs, values }] of entries.entries()) {
    packed.set([key.hi, key.lo, ageMs / 10, leftMs / 10], index * words);
    packed.set(values, index * words + HEAD_WORDS);
  }
  return { words, bytes: new Uint8Array(packed.buffer) };
}

/** The snapshot in a file; null without one; a sentence that says why one that is there cannot be used. */
export function readSnapshot(file: string): Snapshot | string | null {
  if (!existsSync(file)) return null;
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(file, { readOnly: true });
    const meta = database.prepare('SELECT * FROM meta').get();
    if (meta === undefined) return 'it has no beginning';
    if (meta.version !== VERSION) return `it is of version ${meta.version}, this release reads ${VERSION}`;
    const hash = createHash('sha256');
    const pieces: Piece[] = [];
    for (const row of database.prepare('SELECT name, entry_words, entries FROM piece').iterate()) {
      const piece = readPiece(row);
      if (piece === null) return DAMAGED;
      const { table, entryWords, entries } = piece;
      hash.update(`${table} ${entryWords} ${entries.byteLength} `).update(new Uint8Array(entries.buffer));
      pieces.push(piece);
    }
    const { seed, window_ms: windowMs, saved_at_ms: savedAtMs, sha256 } = meta;
    if (!(seed instanceof Uint8Array) || !(sha256 instanceof Uint8Array)) return DAMAGED;
    const digest = hash.update(`${windowMs} ${savedAtMs}`).update(seed).digest();
    if (seed.length !== SEED_BYTES || Buffer.compare(digest, sha256) !== 0) return DAMAGED;
    return { seed, windowMs: Number(windowMs), savedAtMs: Number(savedAtMs), pieces };
  } catch (error) {
    return (error as Error).message;
  } finally {
    database?.close();
  }
}

function readPiece(row: Readonly<Record<string, unknown>>): Piece | null {
  const { name, entry_words: entryWords, entries } = row;
  if (typeof name !== 'string' || typeof entryWords !== 'number' || entryWords < HEAD_WORDS) return null;
  if (!(entries instanceof Uint8Array) || entries.length > MAX_PIECE_BYTES) return null;
  if (entries.length % (entryWords * 4) !== 0) return null;
  return { table: name, entryWords, entries: new Int32Array(entries.slice().buffer) };
}

/** Puts the entries of one table back that are still of use; resolves with their number. */
export function restoreTable(snapshot: Snapshot, name: string, table: SharedTable, nowMs: number): number {
  const awayMs = Math.max(0, nowMs - snapshot.savedAtMs);
  let restored = 0;
  for (const { table: of, entryWords, entries } of snapshot.pieces) {
    if (of !== name || entryWords !== HEAD_WORDS + table.valueWords) continue;
    for (let at = 0; at < entries.length; at += entryWords) {
      const leftMs = entries[at + 3]! * 10 - awayMs;
      if (leftMs <= 0) continue;
      const saved = {
        key: { hi: entries[at]! >>> 0, lo: entries[at + 1]! >>> 0 },
        ageMs: entries[at + 2]! * 10 + awayMs,
        leftMs,
        values: entries.subarray(at + HEAD_WORDS, at + entryWords),
      };
      if (table.restore(saved, nowMs)) restored++;
    }
  }
  return restored;
}
