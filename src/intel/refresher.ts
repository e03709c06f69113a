/** Keeps fetched feeds fresh while the edge serves: one timer a feed, with back-off and jitter. */
import type { Dispatcher } from 'undici';
import type { Feed } from '../pdl/ir.ts';
import { feedAgent } from './fetch.ts';
import type { Judgement, JudgeRequest } from './guards.ts';
import { type Refreshed, type RefreshResult, type RemoteFeed, refreshFeed } from './refresh.ts';
import type { FeedSettings } from './settings.ts';
import { type FeedState, readState } from './store.ts';

/** Shortest and longest time between two attempts, in milliseconds. */
const MIN_DELAY_MS = 1_000;
const MAX_DELAY_MS = 24 * 3_600_000;
/** First wait after a failure. */
const BACK_OFF_MS = 5_000;

/** How one feed is, for metrics. */
export interface FeedHealth {
  readonly feed: string;
  readonly entries: number;
  /** Since the server last confirmed the copy in use; null: there is none. */
  readonly ageMs: number | null;
  readonly failures: number;
  /** Refreshes since the start, by result. */
  readonly results: Readonly<Record<RefreshResult, number>>;
}

export interface RefresherOptions {
  readonly settings: FeedSettings;
  readonly judge: (request: JudgeRequest) => Promise<Judgement>;
  /** A copy changed, or the age of one means something new: the policy is to be loaded again. */
  readonly onChanged: () => void;
  readonly onResult: (result: Refreshed) => void;
}

/**
 * When to try again: after `refreshMs` when all went well, else after a wait that doubles with every failure
 * up to it. A tenth more or less keeps a fleet from asking at once.
 */
export function nextDelay(
  refreshMs: number,
  failures: number,
  retryAfterMs: number | null,
  random: number,
): number {
  const usual =
    failures === 0 ? refreshMs : Math.min(refreshMs, BACK_OFF_MS * 2 ** Math.min(failures - 1, 20));
  const jittered = usual * (0.9 + 0.2 * random);
  return Math.min(MAX_DELAY_MS, Math.max(MIN_DELAY_MS, jittered, retryAfterMs ?? 0));
}

export class FeedRefresher {
  readonly #options: RefresherOptions;
  readonly #agent: Dispatcher;
  readonly #timers: Map<string, NodeJS.Timeout> = new Map();
  readonly #results: Map<string, Record<RefreshResult, number>> = new Map();
  /** Names of feeds that were stale when last looked at. */
  readonly #stale: Set<string> = new Set();
  #feeds: readonly RemoteFeed[] = [];
  #isClosed = false;

  /** @throws the system error of `settings.ca`. */
  constructor(options: RefresherOptions) {
    this.#options = options;
    this.#agent = feedAgent(options.settings.ca);
  }

  /** Refreshes those that have no copy yet, all at once; resolves when each has one or failed. */
  async fetchMissing(feeds: readonly RemoteFeed[]): Promise<boolean> {
    const { directory } = this.#options.settings;
    const missing = feeds.filter(({ feed }) => readState(directory, feed).copy === null);
    const results = await Promise.all(missing.map((feed) => this.#refresh(feed)));
    return results.some(({ result }) => result === 'changed');
  }

  /** The feeds of the policy now in force; timers of others end. */
  watch(feeds: readonly RemoteFeed[]): void {
    const isKnown = (feed: Feed): boolean => this.#feeds.some((old) => sameFeed(old.feed, feed));
    const isNew = feeds.filter(({ feed }) => !isKnown(feed) || !this.#timers.has(feed.name));
    for (const { feed } of this.#feeds) {
      if (!feeds.some((next) => sameFeed(next.feed, feed))) {
        clearTimeout(this.#timers.get(feed.name));
        this.#timers.delete(feed.name);
      }
    }
    this.#feeds = feeds;
    for (const { feed } of isNew) this.#schedule(feed, null);
  }

  health(): readonly FeedHealth[] {
    const now = Date.now();
    return this.#feeds.map(({ feed }) => {
      const { copy, failure } = readState(this.#options.settings.directory, feed);
      return {
        feed: feed.name,
        entries: copy?.entries ?? 0,
        ageMs: copy === null ? null : Math.max(0, now - copy.checkedAt),
        failures: failure?.count ?? 0,
        results: this.#counts(feed.name),
      };
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    await this.#agent.destroy();
  }

  #counts(feed: string): Record<RefreshResult, number> {
    const counts = this.#results.get(feed) ?? { changed: 0, unchanged: 0, failed: 0, refused: 0 };
    this.#results.set(feed, counts);
    return counts;
  }

  #schedule(feed: Feed, last: Refreshed | null): void {
    if (feed.refreshMs === null || this.#isClosed) return;
    const { copy, failure } = readState(this.#options.settings.directory, feed);
    const wait = nextDelay(feed.refreshMs, failure?.count ?? 0, last?.retryAfterMs ?? null, Math.random());
    // why: after a restart a copy is as old as it is, not as young as the process.
    const spent = last === null && failure === null && copy !== null ? Date.now() - copy.checkedAt : 0;
    const timer = setTimeout(() => void this.#turn(feed), Math.max(MIN_DELAY_MS, wait - Math.max(0, spent)));
    timer.unref();
    this.#timers.set(feed.name, timer);
  }

  async #turn(feed: Feed): Promise<void> {
    // why: a reload may have brought another secret since the timer was set.
    const current = this.#feeds.find((each) => sameFeed(each.feed, feed));
    if (current === undefined) return;
    const result = await this.#refresh(current);
    if (this.#isClosed) return;
    const { copy } = readState(this.#options.settings.directory, feed);
    const wasStale = this.#stale.has(feed.name);
    if (isStale(current.feed, copy)) this.#stale.add(feed.name);
    else this.#stale.delete(feed.name);
    const isOtherwise = wasStale !== this.#stale.has(feed.name);
    if (result.result === 'changed' || copy?.ends || isOtherwise) this.#options.onChanged();
    if (this.#feeds.some((each) => sameFeed(each.feed, feed))) this.#schedule(current.feed, result);
  }

  async #refresh(feed: RemoteFeed): Promise<Refreshed> {
    const { settings, judge, onResult } = this.#options;
    let result: Refreshed;
    try {
      result = await refreshFeed(feed, { settings, judge, agent: this.#agent });
    } catch (error) {
      // The disk of the copies: what is in force stays.
      const reason = (error as Error).message;
      result = { feed: feed.feed.name, result: 'failed', reason, retryAfterMs: null };
    }
    this.#counts(feed.feed.name)[result.result]++;
    if (!this.#isClosed) onResult(result);
    return result;
  }
}

function isStale({ maxAgeMs }: Feed, copy: FeedState['copy']): boolean {
  return copy !== null && maxAgeMs !== null && Date.now() - copy.checkedAt > maxAgeMs;
}

function sameFeed(a: Feed, b: Feed): boolean {
  return (
    a.name === b.name &&
    a.source === b.source &&
    a.path === b.path &&
    a.type === b.type &&
    a.refreshMs === b.refreshMs
  );
}
