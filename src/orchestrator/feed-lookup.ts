/** Which feeds hold a value, and through which of their members. */
import { readFileSync, statSync } from 'node:fs';
import { type FeedContent, FeedFormatError } from '../intel/content.ts';
import { readFeed } from '../intel/formats.ts';
import { overlaps, wordsOf } from '../intel/guards.ts';
import { memberOf, withoutScore } from '../intel/member.ts';
import { type FeedSettings, optionsOf } from '../intel/settings.ts';
import { readCopy } from '../intel/store.ts';
import { inPrefix, type Prefix, parsePrefix } from '../pdl/ip.ts';
import type { Feed } from '../pdl/ir.ts';
import { feedPath } from './feeds.ts';

export interface LookupRequest {
  readonly value: string;
  readonly feeds: readonly Feed[];
  readonly settings: FeedSettings;
}

/** A member that holds the value. */
export interface FeedMatch {
  readonly feed: string;
  readonly entry: string;
  /** 1-based; null where lines mean nothing. */
  readonly line: number | null;
  /** Of a feed `to score`. */
  readonly score: number | null;
  /** When it ends, ISO 8601; null: it does not. */
  readonly ends: string | null;
  /** Why it does not count: `ended`, or it overlaps what is never blocked; null: it counts. */
  readonly leftOut: 'ended' | 'never_blocked' | null;
}

export interface LookupAnswer {
  readonly value: string;
  /** Names of the feeds that can hold such a value and were searched. */
  readonly searched: readonly string[];
  /** Names of those that nothing is known of, or that cannot be read. */
  readonly unread: readonly string[];
  readonly found: readonly FeedMatch[];
}

/** More members than this from one feed tell nothing new. */
const MAX_MATCHES = 20;
export const MAX_LOOKUP_BYTES = 1_024;

/** Reads every feed that can hold the value; takes a second for a million members. */
export function lookupFeeds({ value, feeds, settings }: LookupRequest): LookupAnswer {
  const searched: string[] = [];
  const unread: string[] = [];
  const found: FeedMatch[] = [];
  for (const feed of feeds) {
    const wanted = memberOf(feed.type, value);
    // why: a DNS list has no members that could be searched.
    if (wanted === null || feed.source === 'dnsbl') continue;
    const matches = search(feed, wanted, settings);
    if (matches === null) unread.push(feed.name);
    else {
      searched.push(feed.name);
      found.push(...matches);
    }
  }
  return { value, searched, unread, found };
}

/** Null when the feed cannot be read. */
function search(feed: Feed, wanted: string, settings: FeedSettings): FeedMatch[] | null {
  const content = contentOf(feed, settings);
  if (content === null) return null;
  const bad = new Set(content.bad);
  const holds = matcher(feed.type, wanted);
  const now = Date.now();
  const matches: FeedMatch[] = [];
  let index = -1;
  for (const entry of content.members) {
    index++;
    const member = withoutScore(feed, entry);
    if (bad.has(index) || !holds(member)) continue;
    const expires = content.expires?.[index] ?? Number.POSITIVE_INFINITY;
    matches.push({
      feed: feed.name,
      entry: member,
      line: content.lines[index] ?? null,
      score: feed.toScore ? Number(entry.slice(member.length + 1)) : null,
      ends: Number.isFinite(expires) ? new Date(expires).toISOString() : null,
      leftOut: expires <= now ? 'ended' : isNeverBlocked(feed, member, settings) ? 'never_blocked' : null,
    });
    if (matches.length === MAX_MATCHES) break;
  }
  return matches;
}

function contentOf(feed: Feed, settings: FeedSettings): FeedContent | null {
  const options = optionsOf(settings, feed.name);
  try {
    if (feed.source === 'file') {
      const path = feedPath(feed);
      return readFeed(feed, readFileSync(path), { options, fetchedMs: statSync(path).mtimeMs });
    }
    const copy = readCopy(settings.directory, feed);
    if (copy === null) return null;
    return readFeed(feed, copy.bytes, { options, fetchedMs: copy.state.copy!.fetchedAt });
  } catch (error) {
    if (error instanceof FeedFormatError || (error as NodeJS.ErrnoException).code !== undefined) return null;
    throw error;
  }
}

/** Does a member hold the value? */
function matcher(type: Feed['type'], wanted: string): (member: string) => boolean {
  if (type === 'cidr' || type === 'ip') {
    const inner = parsePrefix(wanted)!;
    return (member) => {
      const outer: Prefix | null = parsePrefix(member);
      return outer !== null && outer.bits <= inner.bits && inPrefix(inner.bytes, outer);
    };
  }
  if (type !== 'host') return (member) => member === wanted;
  return (member) =>
    member === wanted ||
    (member.startsWith('*.') && wanted.length >= member.length && wanted.endsWith(member.slice(1)));
}

/** Only what is fetched is held against the list of the never blocked. */
function isNeverBlocked({ type, source }: Feed, member: string, { neverBlock }: FeedSettings): boolean {
  if (source === 'file' || (type !== 'cidr' && type !== 'ip')) return false;
  const prefix = wordsOf(member);
  return neverBlock.some((text) => overlaps(wordsOf(text), prefix));
}
