/**
 * Keeps broken and poisoned lists out. What comes from elsewhere is judged before it replaces the last
 * good copy, and refused as a whole: a list with one absurd member has others that nobody noticed.
 */
import { readPrefixOf } from '../core/packed-texts.ts';
import { inPrefix, PrefixReader, parsePrefix } from '../pdl/ip.ts';
import type { Feed } from '../pdl/ir.ts';
import type { TextList } from '../pdl/text-list.ts';
import { type FeedContent, FeedFormatError } from './content.ts';
import { Addresses } from './coverage.ts';
import { readFeed } from './formats.ts';
import { type Contents, withoutScore } from './member.ts';
import type { FeedOptions } from './settings.ts';
import { readCopy } from './store.ts';

/** Networks that are never a client's on the internet (RFC 6890, RFC 8190). */
const LOCAL = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/128',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];
const LOCAL_PREFIXES = LOCAL.map(wordsOf);
const LOCAL_NETWORKS = LOCAL.map((text) => parsePrefix(text)!);
/** Shorter prefixes of IPv4 and IPv6 hold more than any list of bad addresses should. */
const WIDE = { v4: 8, v6: 19 } as const;
/** A list may become so many times as long at once, or so small a part. */
const MAX_GROWTH = 10;
const MIN_SHARE = 0.5;
/** Shorter lists change by such factors every day. */
const SIZED_FROM = 10;
/** A sample of fewer clients tells nothing of a share. */
const SAMPLED_FROM = 100;
/** Share of members that may be none of the type; they are left out. */
const MAX_BAD_SHARE = 0.01;

/** A prefix, as a `PrefixReader` holds it. */
export type PrefixWords = Pick<PrefixReader, 'words' | 'bits' | 'isV4'>;

/** The prefix of a text that is one. */
export function wordsOf(text: string): PrefixWords {
  const reader = new PrefixReader();
  reader.readText(text);
  return reader;
}

/** Why a prefix is on no honest list of clients: `wide`, `local`, or null for an ordinary one. */
export function suspicion(prefix: PrefixWords): 'wide' | 'local' | null {
  if (prefix.isV4 ? prefix.bits - 96 < WIDE.v4 : prefix.bits < WIDE.v6) return 'wide';
  for (const local of LOCAL_PREFIXES) if (contains(local, prefix)) return 'local';
  return null;
}

/** Is an address (16 bytes, IPv4 as ::ffff:a.b.c.d) never a client's on the internet? */
export function isLocalAddress(ip: Uint8Array): boolean {
  return LOCAL_NETWORKS.some((network) => inPrefix(ip, network));
}

function contains(outer: PrefixWords, inner: PrefixWords): boolean {
  if (outer.bits > inner.bits) return false;
  for (let word = 0; word * 32 < outer.bits; word++) {
    const kept = outer.bits - word * 32;
    const mask = kept >= 32 ? -1 : -1 << (32 - kept);
    if (((outer.words[word]! ^ inner.words[word]!) & mask) !== 0) return false;
  }
  return true;
}

export function overlaps(a: PrefixWords, b: PrefixWords): boolean {
  return contains(a, b) || contains(b, a);
}

/** What an operator has looked at and takes nevertheless. */
export interface Accepted {
  /** The list really grew or shrank so much. */
  readonly size: boolean;
  /** It may cover clients that are served now. */
  readonly coverage: boolean;
}

export const NOTHING_ACCEPTED: Accepted = { size: false, coverage: false };

export interface JudgeRequest {
  readonly feed: Feed;
  readonly bytes: Uint8Array;
  readonly options: FeedOptions;
  readonly own: readonly string[];
  /** Members of the last good copy; null when there is none. */
  readonly before: number | null;
  readonly fetchedMs: number;
  readonly accepted: Accepted;
  /** Null: nobody says who is served now, or the feed harms nobody. */
  readonly good: GoodTraffic | null;
}

/** Clients that are served now. */
export interface GoodTraffic {
  /** 16 bytes each. */
  readonly addresses: Uint8Array;
  /** Share of them that a list may cover beyond its last good copy, 0 to 1. */
  readonly maxShare: number;
  /** The folder of that copy. */
  readonly directory: string;
}

/** How many members a content has, or why it is refused. */
export type Judgement =
  | { readonly ok: true; readonly entries: number }
  | { readonly ok: false; readonly reason: string };

/** Something that keeps a content out; `index` is that of the member it is about. */
export interface Finding {
  readonly message: string;
  readonly index: number | null;
}

/** Judges what was fetched; takes a second for a million members. */
export function judgeFeed(request: JudgeRequest): Judgement {
  const { feed, bytes, options, fetchedMs } = request;
  try {
    const content = readFeed(feed, bytes, { options, fetchedMs });
    const [first] = findings(content, request);
    if (first !== undefined) return { ok: false, reason: first.message };
    return { ok: true, entries: content.members.length - content.bad.length };
  } catch (error) {
    if (!(error instanceof FeedFormatError)) throw error;
    return { ok: false, reason: error.message };
  }
}

/** Reads the prefix of a member; false when it is none. */
export function readEntry(contents: Contents, members: TextList, index: number, into: PrefixReader): boolean {
  if (contents.toScore === undefined) return readPrefixOf(members, index, into);
  return into.readText(withoutScore(contents, members.at(index)!));
}

/** All that keeps a content out, the first reason first. */
export function* findings(
  content: FeedContent,
  { feed, options, own, before, accepted, good }: Omit<JudgeRequest, 'bytes' | 'fetchedMs'>,
): Generator<Finding> {
  const { members, bad } = content;
  if (bad.length > members.length * MAX_BAD_SHARE) {
    const example = JSON.stringify(members.at(bad[0]!)!.slice(0, 40));
    const message = `${bad.length} of ${members.length} members are not of type ${feed.type}: ${example}`;
    yield { message, index: bad[0]! };
  }
  const entries = members.length - bad.length;
  if (entries > feed.maxEntries) {
    yield { message: `it has ${entries} members; at most ${feed.maxEntries} are allowed`, index: null };
  }
  const resized = accepted.size ? null : sizeProblem(entries, before);
  if (resized !== null) yield { message: resized, index: null };
  if (feed.type !== 'cidr' && feed.type !== 'ip') return;
  yield* prefixProblems(feed, content, own);
  const covering =
    good === null || accepted.coverage ? null : coverageProblem({ feed, options }, content, good);
  if (covering !== null) yield { message: covering, index: null };
}

function sizeProblem(entries: number, before: number | null): string | null {
  if (before === null || before < SIZED_FROM) return null;
  if (entries >= before * MAX_GROWTH) return `it grew from ${before} to ${entries} members at once`;
  if (entries <= before * MIN_SHARE) return `it shrank from ${before} to ${entries} members at once`;
  return null;
}

function* prefixProblems(
  contents: Contents,
  { members, bad }: FeedContent,
  own: readonly string[],
): Generator<Finding> {
  const ours = own.map(wordsOf);
  const skipped = new Set(bad);
  const prefix = new PrefixReader();
  for (let index = 0; index < members.length; index++) {
    if (skipped.has(index)) continue;
    readEntry(contents, members, index, prefix);
    const why = suspicion(prefix);
    const isOurs = ours.some((each) => overlaps(each, prefix));
    if (why === null && !isOurs) continue;
    const member = withoutScore(contents, members.at(index)!);
    if (why === 'wide') yield { message: `it holds ${member}, a very large part of the internet`, index };
    else if (why === 'local') yield { message: `it holds ${member}, a private network`, index };
    if (isOurs) {
      yield { message: `it holds ${member}, which overlaps an address of your own`, index };
    }
  }
}

/** What a list covers already has done no harm, so only what it would cover beyond that counts. */
function coverageProblem(
  { feed, options }: Pick<JudgeRequest, 'feed' | 'options'>,
  content: FeedContent,
  good: GoodTraffic,
): string | null {
  const now = new Addresses(good.addresses);
  if (now.count < SAMPLED_FROM) return null;
  const cover = (addresses: Addresses, { members }: FeedContent): void => {
    const prefix = new PrefixReader();
    for (let index = 0; index < members.length; index++) {
      if (readEntry(feed, members, index, prefix)) addresses.cover(prefix);
    }
  };
  cover(now, content);
  const most = Math.floor(now.count * good.maxShare);
  if (now.covered <= most) return null;
  const earlier = new Addresses(good.addresses);
  const copy = readCopy(good.directory, feed);
  if (copy !== null) {
    const fetchedMs = copy.state.copy!.fetchedAt;
    cover(earlier, readFeed(feed, copy.bytes, { options, fetchedMs }));
  }
  const more = now.coveredBeyond(earlier);
  if (more <= most) return null;
  const percent = Math.round((more / now.count) * 100);
  return `it covers ${more} of ${now.count} clients that were served in the last hour (${percent} %) and were not in it before`;
}
