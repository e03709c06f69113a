/** One refresh of one feed: fetch, judge, and only then replace the last good copy. */
import type { Dispatcher } from 'undici';
import type { Feed } from '../pdl/ir.ts';
import { fetchFeed } from './fetch.ts';
import type { Judgement, JudgeRequest } from './guards.ts';
import { type FeedSettings, optionsOf } from './settings.ts';
import { readState, sha256Hex, writeState } from './store.ts';

/** A feed that is fetched, and what authorises it. */
export interface RemoteFeed {
  readonly feed: Feed;
  /** Never logged and never written. */
  readonly secret: Uint8Array | null;
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
  readonly agent: Dispatcher;
  /** `judgeFeed`, here or in another thread. */
  readonly judge: (request: JudgeRequest) => Judgement | Promise<Judgement>;
}

/** @throws the system error of the folder of copies. */
export async function refreshFeed({ feed, secret }: RemoteFeed, tools: RefreshTools): Promise<Refreshed> {
  const { settings, agent, judge } = tools;
  const { directory } = settings;
  const options = optionsOf(settings, feed.name);
  const state = readState(directory, feed);
  const fetched = await fetchFeed({
    feed,
    options,
    secret,
    agent,
    copy: state.copy,
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
  if (fetched.kind === 'failed') return done('failed', fetched.reason, fetched.retryAfterMs);
  if (fetched.kind === 'unchanged') {
    writeState(directory, feed, { ...state, copy: { ...state.copy!, checkedAt: now }, failure: null });
    return done('unchanged', null, null);
  }
  const { bytes, etag, lastModified } = fetched;
  const sha256 = sha256Hex(bytes);
  if (feed.sha256 !== undefined && feed.sha256 !== sha256) {
    return done('refused', `its SHA-256 is ${sha256}, and the policy demands ${feed.sha256}`, null);
  }
  const before = state.copy?.entries ?? null;
  const judged = await judge({ feed, bytes, options, own: settings.own, before, fetchedMs: now });
  if (!judged.ok) return done('refused', judged.reason, null);
  const { entries, ends } = judged;
  const times = { fetchedAt: now, checkedAt: now };
  const copy = { sha256, bytes: bytes.length, entries, ends, etag, lastModified, ...times };
  writeState(directory, feed, { url: feed.path, copy, failure: null }, bytes);
  return done(sha256 === state.copy?.sha256 ? 'unchanged' : 'changed', null, null);
}
