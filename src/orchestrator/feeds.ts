/** Reads a program's file feeds: one member a line, `#` begins a comment. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import { inPrefix, parsePrefix } from '../pdl/ip.ts';
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
function isStale(
  feed: Feed,
  purpose: 'serve' | 'check',
  modifiedMs: number,
  nowMs: number,
  diagnostics: Diagnostic[],
): boolean {
  if (feed.maxAgeMs === null || nowMs - modifiedMs <= feed.maxAgeMs) return false;
  const severity = feed.onStale === 'fail' && purpose === 'serve' ? 'error' : 'warning';
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
    if (isStale(feed, purpose, mtimeMs, nowMs, diagnostics)) return empty;
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

/** Feeds of addresses by which `forbid` and `deny` rules turn clients away. */
function blockingFeeds({ rules, atoms, tables }: Program): Set<number> {
  const found = new Set<number>();
  for (const { tier, when } of rules) {
    if (tier !== 'forbid' && tier !== 'deny') continue;
    for (const index of when.flatMap(({ yes }) => yes)) {
      const atom = atoms[index]!;
      const table = atom.kind === 'table' ? tables[atom.table]! : null;
      if (table?.kind === 'cidr' && table.feed !== undefined) found.add(table.feed);
    }
  }
  return found;
}

/** Private, loopback and link-local networks (RFC 6890). */
const LOCAL = [
  '10.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];
const LOCAL_PREFIXES = LOCAL.map((text) => parsePrefix(text)!);
/** Shorter prefixes of IPv4 and IPv6 hold more than any list of bad addresses should. */
const WIDE = { v4: 8, v6: 19 } as const;
/** Members worth parsing here; a feed may have a million others. */
const SUSPICIOUS = /\/(?:\d|1[0-8])$|^(?:10|127|169|172|192)\.|^(?:::1|f[cde])/i;
/** More of them from one feed tell nothing new. */
const MAX_WIDE_REPORTED = 3;

/** A list that turns away half of the internet, or the own network, is broken or poisoned. */
function warnOfWide(
  feed: Feed,
  { members, lines }: { members: readonly string[]; lines: readonly number[] },
  diagnostics: Diagnostic[],
): void {
  let reported = 0;
  for (const [index, member] of members.entries()) {
    const prefix = SUSPICIOUS.test(member) ? parsePrefix(member) : null;
    if (prefix === null) continue;
    const isWide = prefix.isV4 ? prefix.bits - 96 < WIDE.v4 : prefix.bits < WIDE.v6;
    const isLocal = LOCAL_PREFIXES.some(
      (local) => local.bits <= prefix.bits && inPrefix(prefix.bytes, local),
    );
    if (!isWide && !isLocal) continue;
    const what = isWide ? 'a very large part of the internet' : 'a private network';
    const message = `feed ${feed.name} turns away ${member}, ${what}`;
    const help = 'remove the line, or correct whoever makes the list';
    diagnostics.push(feedProblem(feed, 'PDL-F002', lines[index] ?? 1, message, help, 'warning'));
    if (++reported === MAX_WIDE_REPORTED) return;
  }
}

/** For `check` a file that is missing or too old is a warning: what counts is how it is when it is served. */
export function loadFeeds(
  program: Program,
  purpose: 'serve' | 'check',
  nowMs: number = Date.now(),
): LoadedFeeds {
  const members = new Map<number, readonly string[]>();
  const lines = new Map<number, readonly number[]>();
  const times = new Map<string, number>();
  const diagnostics: Diagnostic[] = [];
  const blocking = blockingFeeds(program);
  program.feeds.forEach((feed, index) => {
    const read = readFeed(feed, purpose, nowMs, times, diagnostics);
    if (read.members.length > feed.maxEntries) {
      const message = `feed ${feed.name} has ${read.members.length} members; at most ${feed.maxEntries} are allowed`;
      diagnostics.push(feedProblem(feed, 'FEED-003', 1, message, 'shorten the feed, or raise max_entries'));
    }
    if (blocking.has(index)) warnOfWide(feed, read, diagnostics);
    members.set(index, read.members);
    lines.set(index, read.lines);
  });
  return { members, lines, times, diagnostics };
}
