/** Reads a program's feeds: files, and the last good copies of what is fetched. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { filterTexts } from '../core/packed-texts.ts';
import { type FeedContent, FeedFormatError } from '../intel/content.ts';
import { MAX_FEED_BYTES } from '../intel/fetch.ts';
import { readFeed } from '../intel/formats.ts';
import { overlaps, readEntry, suspicion, wordsOf } from '../intel/guards.ts';
import { withoutScore } from '../intel/member.ts';
import { type FeedSettings, optionsOf } from '../intel/settings.ts';
import { readCopy, sha256Hex } from '../intel/store.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import { PrefixReader } from '../pdl/ip.ts';
import type { Feed, Program } from '../pdl/ir.ts';
import type { TextList } from '../pdl/text-list.ts';
import { blockingFeeds } from './feed-uses.ts';

export interface LoadedFeeds {
  /** Members by index in `Program.feeds`. */
  readonly members: ReadonlyMap<number, TextList>;
  /** For each feed, the 1-based line of each member. */
  readonly lines: ReadonlyMap<number, ArrayLike<number>>;
  /** How each feed was found, by index in `Program.feeds`. */
  readonly found: readonly FoundFeed[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A feed as it was read; times are milliseconds since the epoch. */
export interface FoundFeed {
  readonly name: string;
  /** Members in force; null: nothing is known of the feed. */
  readonly entries: number | null;
  /** Of a feed from a file: where it is and when it was changed. */
  readonly file: { readonly path: string; readonly changedAt: number } | null;
  /** When the first of its members ends; null: none does. */
  readonly endsAt: number | null;
}

/** Absolute path of a file feed, relative paths starting at the policy file that declares it; else the address. */
export function feedPath(feed: Feed): string {
  return feed.source === 'file' ? resolve(dirname(feed.declaredIn), feed.path) : feed.path;
}

/** Feeds that are fetched. */
export function isRemote({ source }: Feed): boolean {
  return source === 'url' || source === 'crowdsec';
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

interface Members {
  readonly members: TextList;
  readonly lines: ArrayLike<number>;
  readonly endsAt: number | null;
}

interface Reading {
  readonly purpose: 'serve' | 'check';
  readonly nowMs: number;
  readonly settings: FeedSettings | null;
  readonly diagnostics: Diagnostic[];
}

const EMPTY: Members = { members: [], lines: [], endsAt: null };

/** True when the feed counts as empty because of its age; problems go to `diagnostics`. */
function isStale(feed: Feed, confirmedMs: number, { purpose, nowMs, diagnostics }: Reading): boolean {
  if (feed.maxAgeMs === null || nowMs - confirmedMs <= feed.maxAgeMs) return false;
  const severity = feed.onStale === 'fail' && purpose === 'serve' ? 'error' : 'warning';
  const what =
    feed.onStale === 'empty' ? 'is taken as empty' : feed.onStale === 'keep' ? 'is used as it is' : 'fails';
  const message = `feed ${feed.name} is older than its max_age and ${what}`;
  const help = isRemote(feed)
    ? 'see the log for why, or change on_stale'
    : 'refresh the file, or change on_stale';
  diagnostics.push(feedProblem(feed, 'FEED-004', 1, message, help, severity));
  return feed.onStale === 'empty';
}

/** Members that have not ended. */
function current({ members, lines, expires }: FeedContent, nowMs: number): Members {
  if (expires === undefined) return { members, lines, endsAt: null };
  let endsAt = Number.POSITIVE_INFINITY;
  for (const end of expires) if (end > nowMs && end < endsAt) endsAt = end;
  return {
    members: filterTexts(members, (index) => expires[index]! > nowMs),
    lines: [],
    endsAt: Number.isFinite(endsAt) ? endsAt : null,
  };
}

function readFile(feed: Feed, reading: Reading): Members {
  const { purpose, nowMs, settings, diagnostics } = reading;
  try {
    const path = feedPath(feed);
    const { size, mtimeMs } = statSync(path);
    if (size > MAX_FEED_BYTES) {
      const message = `feed ${feed.name} is ${size} bytes long; at most ${MAX_FEED_BYTES} are read`;
      diagnostics.push(feedProblem(feed, 'FEED-003', 1, message, 'shorten the feed'));
      return EMPTY;
    }
    if (isStale(feed, mtimeMs, reading)) return EMPTY;
    const bytes = readFileSync(path);
    if (feed.sha256 !== undefined && feed.sha256 !== sha256Hex(bytes)) {
      const message = `feed ${feed.name} does not have the SHA-256 that the policy demands`;
      diagnostics.push(feedProblem(feed, 'FEED-007', 1, message, 'correct the file or the digest'));
      return EMPTY;
    }
    const options = optionsOf(settings, feed.name);
    return current(readFeed(feed, bytes, { options, fetchedMs: mtimeMs }), nowMs);
  } catch (error) {
    if (error instanceof FeedFormatError) {
      const message = `feed ${feed.name}: ${error.message}`;
      const help = 'correct the file, or say its format';
      diagnostics.push(feedProblem(feed, 'FEED-006', error.line, message, help));
      return EMPTY;
    }
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    const message = `feed ${feed.name} cannot be read (${reason})`;
    const help = 'create the file (it may be empty), or correct the path in the policy';
    const severity = purpose === 'check' && reason === 'ENOENT' ? 'warning' : 'error';
    diagnostics.push(feedProblem(feed, 'FEED-001', 1, message, help, severity));
    return EMPTY;
  }
}

/** The last good copy; null when there is none, so that tests of it are unknown. */
function readFetched(feed: Feed, reading: Reading): Members | null {
  const { purpose, nowMs, settings, diagnostics } = reading;
  if (settings === null) {
    if (purpose === 'check') return null;
    const message = `feed ${feed.name} is fetched, which only an edge with a configuration does`;
    diagnostics.push(feedProblem(feed, 'FEED-005', 1, message, 'fetch it into a file, or use an edge'));
    return null;
  }
  const copy = readCopy(settings.directory, feed);
  if (copy === null) {
    const message = `feed ${feed.name} was never fetched with success; what tests it is unknown`;
    const severity = purpose === 'serve' && feed.onStale === 'fail' ? 'error' : 'warning';
    const help = 'see the log for why';
    diagnostics.push(feedProblem(feed, 'FEED-001', 1, message, help, severity));
    return null;
  }
  const { fetchedAt, checkedAt } = copy.state.copy!;
  if (isStale(feed, checkedAt, reading)) return EMPTY;
  const options = optionsOf(settings, feed.name);
  try {
    const content = readFeed(feed, copy.bytes, { options, fetchedMs: fetchedAt });
    return withoutBarred(current(withoutBad(content), nowMs), feed, settings, diagnostics);
  } catch (error) {
    if (!(error instanceof FeedFormatError)) throw error;
    // The configuration now says another format than the one the copy was judged by.
    const message = `the copy of feed ${feed.name} cannot be read: ${error.message}`;
    diagnostics.push(feedProblem(feed, 'FEED-006', error.line, message, 'correct its format'));
    return null;
  }
}

/** The few members of a fetched list that its judge let pass as left out. */
function withoutBad(content: FeedContent): FeedContent {
  if (content.bad.length === 0) return content;
  const bad = new Set(content.bad);
  const isGood = (index: number): boolean => !bad.has(index);
  const { members, lines, expires } = content;
  return {
    members: filterTexts(members, isGood),
    lines: filterNumbers(lines, isGood),
    bad: [],
    ...(expires === undefined ? {} : { expires: filterNumbers(expires, isGood) }),
  };
}

function filterNumbers(numbers: ArrayLike<number>, keep: (index: number) => boolean): number[] {
  return Array.from(numbers).filter((_, index) => keep(index));
}

/** Leaves out members that overlap what is never blocked. */
function withoutBarred(
  all: Members,
  feed: Feed,
  { neverBlock }: FeedSettings,
  diagnostics: Diagnostic[],
): Members {
  const { members, lines, endsAt } = all;
  if (neverBlock.length === 0 || (feed.type !== 'cidr' && feed.type !== 'ip')) return all;
  const barred = neverBlock.map(wordsOf);
  const isBarred = new Set<number>();
  const prefix = new PrefixReader();
  for (let index = 0; index < members.length; index++) {
    if (!readEntry(feed, members, index, prefix)) continue;
    if (barred.some((each) => overlaps(each, prefix))) isBarred.add(index);
  }
  const left = isBarred.size;
  if (left === 0) return all;
  const message = `${left} members of feed ${feed.name} overlap what is never blocked and are left out`;
  const help = 'see feeds.neverBlock in the configuration';
  diagnostics.push(feedProblem(feed, 'FEED-008', 1, message, help, 'warning'));
  const isKept = (index: number): boolean => !isBarred.has(index);
  return { members: filterTexts(members, isKept), lines: filterNumbers(lines, isKept), endsAt };
}

/** More of them from one feed tell nothing new. */
const MAX_WIDE_REPORTED = 3;

/** A list that turns away half of the internet, or the own network, is broken or poisoned. */
function warnOfWide(feed: Feed, { members, lines }: Members, diagnostics: Diagnostic[]): void {
  let reported = 0;
  const prefix = new PrefixReader();
  for (let index = 0; index < members.length; index++) {
    const why = readEntry(feed, members, index, prefix) ? suspicion(prefix) : null;
    if (why === null) continue;
    const member = withoutScore(feed, members.at(index)!);
    const what = why === 'wide' ? 'a very large part of the internet' : 'a private network';
    const message = `feed ${feed.name} turns away ${member}, ${what}`;
    const help = 'remove the line, or correct whoever makes the list';
    diagnostics.push(feedProblem(feed, 'PDL-F002', lines[index] ?? 1, message, help, 'warning'));
    if (++reported === MAX_WIDE_REPORTED) return;
  }
}

/**
 * For `check` a file that is missing or too old is a warning: what counts is how it is when it is served.
 * `settings` is what the configuration says of feeds; without them nothing that is fetched has members.
 */
export function loadFeeds(
  program: Program,
  purpose: 'serve' | 'check',
  settings: FeedSettings | null,
  nowMs: number = Date.now(),
): LoadedFeeds {
  const members = new Map<number, TextList>();
  const lines = new Map<number, ArrayLike<number>>();
  const diagnostics: Diagnostic[] = [];
  const blocking = blockingFeeds(program);
  const reading: Reading = { purpose, nowMs, settings, diagnostics };
  const found = program.feeds.map((feed, index): FoundFeed => {
    // why: a change that is made while the file is read must not go unnoticed.
    const file = feed.source === 'file' ? changeOf(feedPath(feed)) : null;
    const read =
      feed.source === 'file' ? readFile(feed, reading) : isRemote(feed) ? readFetched(feed, reading) : null;
    const { name } = feed;
    if (read === null) return { name, entries: null, file, endsAt: null };
    if (read.members.length > feed.maxEntries) {
      const message = `feed ${feed.name} has ${read.members.length} members; at most ${feed.maxEntries} are allowed`;
      diagnostics.push(feedProblem(feed, 'FEED-003', 1, message, 'shorten the feed, or raise max_entries'));
    }
    if (blocking.has(index)) warnOfWide(feed, read, diagnostics);
    members.set(index, read.members);
    lines.set(index, read.lines);
    return { name, entries: read.members.length, file, endsAt: read.endsAt };
  });
  return { members, lines, found, diagnostics };
}

/** A file that is not there was changed at 0. */
export function changeOf(path: string): NonNullable<FoundFeed['file']> {
  return { path, changedAt: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
}
