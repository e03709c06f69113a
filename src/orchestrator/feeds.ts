/** Reads a program's file feeds: one member a line, `#` begins a comment. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import type { Feed, Program } from '../pdl/ir.ts';

/** A larger feed file is refused unread. */
export const MAX_FEED_BYTES: number = 64 * 1024 * 1024;

export interface LoadedFeeds {
  /** Members by index in `Program.feeds`. */
  readonly members: ReadonlyMap<number, readonly string[]>;
  /** For each feed, the 1-based line of each member. */
  readonly lines: ReadonlyMap<number, readonly number[]>;
  /** Modification time of each file that was read, in milliseconds since the epoch. */
  readonly times: ReadonlyMap<string, number>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Absolute path of a feed: relative paths start at the policy file that declares it. */
export function feedPath(feed: Feed): string {
  return resolve(dirname(feed.declaredIn), feed.path);
}

export function feedProblem(
  feed: Feed,
  code: string,
  line: number,
  message: string,
  help: string,
  severity: Diagnostic['severity'] = 'error',
): Diagnostic {
  const file = feedPath(feed);
  return { code, severity, message, file, line, column: 1, endLine: line, endColumn: 1, help };
}

function split(text: string): { members: string[]; lines: number[] } {
  const members: string[] = [];
  const lines: number[] = [];
  text.split('\n').forEach((raw, index) => {
    const comment = raw.indexOf('#');
    const member = (comment === -1 ? raw : raw.slice(0, comment)).trim();
    if (member === '') return;
    members.push(member);
    lines.push(index + 1);
  });
  return { members, lines };
}

/** An empty list when the feed's age says so; problems go to `diagnostics`. */
function isStale(feed: Feed, modifiedMs: number, nowMs: number, diagnostics: Diagnostic[]): boolean {
  if (feed.maxAgeMs === null || nowMs - modifiedMs <= feed.maxAgeMs) return false;
  const severity = feed.onStale === 'fail' ? 'error' : 'warning';
  const what =
    feed.onStale === 'empty' ? 'is taken as empty' : feed.onStale === 'keep' ? 'is used as it is' : 'fails';
  const message = `feed ${feed.name} is older than its max_age and ${what}`;
  diagnostics.push(
    feedProblem(feed, 'FEED-004', 1, message, 'refresh the file, or change on_stale', severity),
  );
  return feed.onStale === 'empty';
}

function readFeed(
  feed: Feed,
  purpose: 'serve' | 'check',
  nowMs: number,
  times: Map<string, number>,
  diagnostics: Diagnostic[],
): { members: string[]; lines: number[] } {
  const empty = { members: [], lines: [] };
  // why: what must be fetched first is refused when serving, and unknown to a check.
  if (feed.source !== 'file') return empty;
  try {
    const path = feedPath(feed);
    const { size, mtimeMs } = statSync(path);
    times.set(path, mtimeMs);
    if (size > MAX_FEED_BYTES) {
      const message = `feed ${feed.name} is ${size} bytes long; at most ${MAX_FEED_BYTES} are read`;
      diagnostics.push(feedProblem(feed, 'FEED-003', 1, message, 'shorten the feed'));
      return empty;
    }
    if (isStale(feed, mtimeMs, nowMs, diagnostics)) return empty;
    return split(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    const message = `feed ${feed.name} cannot be read (${reason})`;
    const help = 'create the file (it may be empty), or correct the path in the policy';
    const severity = purpose === 'check' && reason === 'ENOENT' ? 'warning' : 'error';
    diagnostics.push(feedProblem(feed, 'FEED-001', 1, message, help, severity));
    return empty;
  }
}

/** For `check` a file that is missing is a warning, and the feed empty. */
export function loadFeeds(
  program: Program,
  purpose: 'serve' | 'check',
  nowMs: number = Date.now(),
): LoadedFeeds {
  const members = new Map<number, readonly string[]>();
  const lines = new Map<number, readonly number[]>();
  const times = new Map<string, number>();
  const diagnostics: Diagnostic[] = [];
  program.feeds.forEach((feed, index) => {
    const read = readFeed(feed, purpose, nowMs, times, diagnostics);
    if (read.members.length > feed.maxEntries) {
      const message = `feed ${feed.name} has ${read.members.length} members; at most ${feed.maxEntries} are allowed`;
      diagnostics.push(feedProblem(feed, 'FEED-003', 1, message, 'shorten the feed, or raise max_entries'));
    }
    members.set(index, read.members);
    lines.set(index, read.lines);
  });
  return { members, lines, times, diagnostics };
}
