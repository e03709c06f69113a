/** One refresh of one feed: fetch, judge, and only then replace the last good copy. */
import type { Feed } from '../pdl/ir.ts';
import { FeedFormatError } from './content.ts';
import { applyDecisions } from './decisions.ts';
import { fetchFeed } from './fetch.ts';
import type { Accepted, Judgement, JudgeRequest } from './guards.ts';
import type { FeedClient } from './http-client.ts';
import { type FeedOptions, type FeedSettings, optionsOf } from './settings.ts';
import { type FeedState, readCopy, readState, sha256Hex, writeState } from './store.ts';

/** A feed that is fetched, and what authorises it. */
export interface RemoteFeed {
  readonly feed: Feed;
  /** Never logged and never written. */
  readonly secret: Uint8Array | null;
  /** Some client can fare worse for being in it. */
  readonly harms: boolean;
  /** How it is read, where the configuration says that elsewhere than for feeds of the policy. */
  readonly options?: FeedOptions;
  /** It may grow and shrink as it likes. */
  readonly anySize?: true;
}

export type RefreshResult = 'changed' | 'unchanged' | 'failed' | 'refused';

export interface Refreshed {
  readonly feed: string;
  readonly result: RefreshResult;
  /** Why it failed or was refused. */
  readonly reason: string | null;
  /** What the server asks for, in milliseconds. */
  readonly retryAfterMs: number | null;
}

export interface RefreshTools {
  readonly settings: FeedSettings;
  readonly client: FeedClient;
  /** `judgeFeed`, here or in another thread. */
  readonly judge: (request: JudgeRequest) => Judgement | Promise<Judgement>;
  readonly accepted: Accepted;
  /** Clients served in the last hour, 16 bytes each. */
  readonly goodAddresses: () => Uint8Array;
  /** Of CrowdSec: its last answer was taken, so only what changed since is asked for. */
  readonly changesOnly: boolean;
}

/** @throws the system error of the folder of copies. */
export async function refreshFeed(remote: RemoteFeed, tools: RefreshTools): Promise<Refreshed> {
  const { feed, secret } = remote;
  const { settings, client } = tools;
  const { directory } = settings;
  const state = readState(directory, feed);
  const fetched = await fetchFeed({
    feed,
    options: remote.options ?? optionsOf(settings, feed.name),
    secret,
    client,
    copy: state.copy,
    changesOnly: tools.changesOnly,
    timeoutMs: settings.timeout,
  });
  const now = Date.now();
  const done = (result: RefreshResult, reason: string | null, retryAfterMs: number | null): Refreshed => {
    if (reason !== null) {
      const count = (state.failure?.count ?? 0) + 1;
      writeState(directory, feed, { ...state, failure: { count, at: now, reason } });
    }
    return { feed: feed.name, result, reason, retryAfterMs };
  };
  const confirmed = (validators: object = {}): Refreshed => {
    const copy = { ...state.copy!, ...validators, checkedAt: now };
    writeState(directory, feed, { ...state, copy, failure: null });
    return done('unchanged', null, null);
  };
  if (fetched.kind === 'failed') return done('failed', fetched.reason, fetched.retryAfterMs);
  if (fetched.kind === 'unchanged') return confirmed();
  const { etag, lastModified } = fetched;
  let bytes: Uint8Array | null = fetched.bytes;
  try {
    if (feed.source === 'crowdsec') bytes = withDecisions(feed, fetched.bytes, tools, now);
  } catch (error) {
    if (!(error instanceof FeedFormatError)) throw error;
    return done('refused', error.message, null);
  }
  if (bytes === null) return confirmed();
  const sha256 = sha256Hex(bytes);
  if (feed.sha256 !== undefined && feed.sha256 !== sha256) {
    return done('refused', `its SHA-256 is ${sha256}, and the policy demands ${feed.sha256}`, null);
  }
  if (sha256 === state.copy?.sha256) return confirmed({ etag, lastModified });
  const judged = await tools.judge(judgeRequest(remote, bytes, state, tools, now));
  if (!judged.ok) return done('refused', judged.reason, null);
  const times = { fetchedAt: now, checkedAt: now };
  const copy = { sha256, bytes: bytes.length, entries: judged.entries, etag, lastModified, ...times };
  writeState(directory, feed, { url: feed.path, copy, failure: null }, bytes);
  return done('changed', null, null);
}

/** An answer of CrowdSec as a whole list; null when nothing changed. */
function withDecisions(feed: Feed, answer: Uint8Array, tools: RefreshTools, now: number): Uint8Array | null {
  const before = tools.changesOnly ? readCopy(tools.settings.directory, feed) : null;
  if (tools.changesOnly && before === null)
    throw new FeedFormatError('the copy that it goes on from is gone');
  return applyDecisions(before?.bytes ?? null, answer, now);
}

function judgeRequest(
  { feed, harms, options, anySize }: RemoteFeed,
  bytes: Uint8Array,
  { copy }: FeedState,
  { settings, accepted, goodAddresses }: RefreshTools,
  fetchedMs: number,
): JudgeRequest {
  const { directory, own, maxGoodShare: maxShare } = settings;
  return {
    feed,
    bytes,
    options: options ?? optionsOf(settings, feed.name),
    own,
    before: copy?.entries ?? null,
    fetchedMs,
    accepted: anySize ? { ...accepted, size: true } : accepted,
    good: harms ? { addresses: goodAddresses(), maxShare, directory } : null,
  };
}
