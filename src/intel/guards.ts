/**
 * Keeps broken and poisoned lists out. What comes from elsewhere is judged before it replaces the last
 * good copy, and refused as a whole: a list with one absurd member has others that nobody noticed.
 */
import { inPrefix, type Prefix, parsePrefix } from '../pdl/ip.ts';
import type { Feed } from '../pdl/ir.ts';
import { type FeedContent, FeedFormatError } from './content.ts';
import { readFeedText } from './formats.ts';
import type { FeedOptions } from './settings.ts';

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
const LOCAL_PREFIXES = LOCAL.map((text) => parsePrefix(text)!);
/** Shorter prefixes of IPv4 and IPv6 hold more than any list of bad addresses should. */
const WIDE = { v4: 8, v6: 19 } as const;
/** A list may become so many times as long at once, or so small a part. */
const MAX_GROWTH = 10;
const MIN_SHARE = 0.5;
/** Shorter lists change by such factors every day. */
const SIZED_FROM = 10;
/** Share of members that may be none of the type; they are left out. */
const MAX_BAD_SHARE = 0.01;

/** Why a prefix is on no honest list of clients: `wide`, `local`, or null for an ordinary one. */
export function suspicion(prefix: Prefix): 'wide' | 'local' | null {
  if (prefix.isV4 ? prefix.bits - 96 < WIDE.v4 : prefix.bits < WIDE.v6) return 'wide';
  return LOCAL_PREFIXES.some((local) => contains(local, prefix)) ? 'local' : null;
}

function contains(outer: Prefix, inner: Prefix): boolean {
  return outer.bits <= inner.bits && inPrefix(inner.bytes, outer);
}

export function overlaps(a: Prefix, b: Prefix): boolean {
  return contains(a, b) || contains(b, a);
}

export interface JudgeRequest {
  readonly feed: Feed;
  readonly bytes: Uint8Array;
  readonly options: FeedOptions;
  readonly own: readonly string[];
  /** Members of the last good copy; null when there is none. */
  readonly before: number | null;
  readonly fetchedMs: number;
}

/** How many members a content has and whether some of them end, or why it is refused. */
export type Judgement =
  | { readonly ok: true; readonly entries: number; readonly ends: boolean }
  | { readonly ok: false; readonly reason: string };

/** Judges what was fetched; takes a second for a million members. */
export function judgeFeed(request: JudgeRequest): Judgement {
  try {
    return { ok: true, ...judge(request) };
  } catch (error) {
    if (!(error instanceof FeedFormatError)) throw error;
    return { ok: false, reason: error.message };
  }
}

function judge(request: JudgeRequest): { entries: number; ends: boolean } {
  const { feed, bytes, options, own, before, fetchedMs } = request;
  const text = decode(bytes);
  const content = readFeedText(feed, text, { options, fetchedMs });
  const { members, bad } = content;
  if (bad.length > members.length * MAX_BAD_SHARE) {
    const example = JSON.stringify(members[bad[0]!]!.slice(0, 40));
    throw new FeedFormatError(
      `${bad.length} of ${members.length} members are not of type ${feed.type}: ${example}`,
    );
  }
  const entries = members.length - bad.length;
  if (entries > feed.maxEntries) {
    throw new FeedFormatError(`it has ${entries} members; at most ${feed.maxEntries} are allowed`);
  }
  judgeSize(entries, before);
  if (feed.type === 'cidr' || feed.type === 'ip') judgePrefixes(content, own);
  return { entries, ends: content.expires?.some(Number.isFinite) === true };
}

/** @throws FeedFormatError for what is no text, or a page for people. */
export function decode(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FeedFormatError('it is binary: not UTF-8 text');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u0008\u000e-\u001f]/.test(text))
    throw new FeedFormatError('it is binary: control characters');
  if (/^\s*(?:<!doctype|<html|<\?xml|<head|<body)/i.test(text)) {
    throw new FeedFormatError('it is a web page, not a list');
  }
  return text;
}

function judgeSize(entries: number, before: number | null): void {
  if (before === null || before < SIZED_FROM) return;
  if (entries >= before * MAX_GROWTH) {
    throw new FeedFormatError(`it grew from ${before} to ${entries} members at once`);
  }
  if (entries <= before * MIN_SHARE) {
    throw new FeedFormatError(`it shrank from ${before} to ${entries} members at once`);
  }
}

function judgePrefixes({ members, bad }: FeedContent, own: readonly string[]): void {
  const ours = own.map((text) => parsePrefix(text)!);
  const skipped = new Set(bad);
  members.forEach((member, index) => {
    if (skipped.has(index)) return;
    const prefix = parsePrefix(member)!;
    const why = suspicion(prefix);
    if (why === 'wide') throw new FeedFormatError(`it holds ${member}, a very large part of the internet`);
    if (why === 'local') throw new FeedFormatError(`it holds ${member}, a private network`);
    if (ours.some((each) => overlaps(each, prefix))) {
      throw new FeedFormatError(`it holds ${member}, which overlaps an address of your own`);
    }
  });
}
