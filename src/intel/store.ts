/**
 * Last good copies of fetched feeds: for each a state file and the content it names by digest. Both are
 * replaced by renaming, so that a crash at any moment leaves the copy before or the copy after.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Feed } from '../pdl/ir.ts';
import { replaceWhole } from '../store/replace.ts';

/** Times are milliseconds since the epoch. */
export interface FeedState {
  readonly url: string;
  /** Null: nothing good was ever fetched. */
  readonly copy: {
    /** Hex SHA-256 of the content. */
    readonly sha256: string;
    readonly bytes: number;
    readonly entries: number;
    readonly etag: string | null;
    readonly lastModified: string | null;
    readonly fetchedAt: number;
    /** When the server last said that the content is still this one. */
    readonly checkedAt: number;
  } | null;
  /** What went wrong since; null after a success. */
  readonly failure: { readonly count: number; readonly at: number; readonly reason: string } | null;
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A changed URL is another feed: the old copy says nothing about it. */
function keyOf(feed: Feed): string {
  const source = createHash('sha256').update(`${feed.source} ${feed.path} ${feed.type}`).digest('hex');
  return `${feed.name.replaceAll(/[^A-Za-z0-9_.-]/g, '_')}-${source.slice(0, 12)}`;
}

function statePath(directory: string, feed: Feed): string {
  return join(directory, `${keyOf(feed)}.json`);
}

/** Where the content of a state lies. */
export function copyPath(directory: string, feed: Feed, sha256: string): string {
  return join(directory, `${keyOf(feed)}.${sha256.slice(0, 16)}`);
}

/** A state that cannot be read counts as none: the feed is fetched anew. */
export function readState(directory: string, feed: Feed): FeedState {
  try {
    const state = JSON.parse(readFileSync(statePath(directory, feed), 'utf8')) as FeedState;
    if (state.url === feed.path && 'copy' in state && 'failure' in state) return state;
  } catch {
    // Missing or damaged: both mean that nothing is known.
  }
  return { url: feed.path, copy: null, failure: null };
}

/** The last good content; null when there is none, or when the disk changed it. */
export function readCopy(directory: string, feed: Feed): { bytes: Uint8Array; state: FeedState } | null {
  // why: between the state and its content a newer copy may have taken their place.
  for (let attempt = 0; attempt < 2; attempt++) {
    const state = readState(directory, feed);
    if (state.copy === null) return null;
    try {
      const bytes = readFileSync(copyPath(directory, feed, state.copy.sha256));
      return sha256Hex(bytes) === state.copy.sha256 ? { bytes, state } : null;
    } catch {
      // Looked for again above.
    }
  }
  return null;
}

/** @throws the system error of the folder. */
export function writeState(directory: string, feed: Feed, state: FeedState, content?: Uint8Array): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (content !== undefined && state.copy !== null) {
    replaceWhole(copyPath(directory, feed, state.copy.sha256), content);
  }
  replaceWhole(statePath(directory, feed), JSON.stringify(state));
  if (content === undefined) return;
  const prefix = `${keyOf(feed)}.`;
  const keep = [`${prefix}json`, `${prefix}${state.copy!.sha256.slice(0, 16)}`];
  for (const name of readdirSync(directory)) {
    if (name.startsWith(prefix) && !keep.includes(name)) rmSync(join(directory, name), { force: true });
  }
}
