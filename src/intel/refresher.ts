/** Keeps fetched feeds fresh while the edge serves: one timer a feed, with back-off and jitter. */
import type { Feed } from '../pdl/ir.ts';
import { type Accepted, type Judgement, type JudgeRequest, NOTHING_ACCEPTED } from './guards.ts';
import { FeedClient } from './http-client.ts';
import { type Refreshed, type RefreshResult, type RemoteFeed, refreshFeed } from './refresh.ts';
import type { FeedSettings } from './settings.ts';
import { type FeedState, readState } from './store.ts';

/** Shortest and longest time between two attempts, in milliseconds. */
const MIN_DELAY_MS = 1_000;
const MAX_DELAY_MS = 24 * 3_600_000;
/** First wait after a failure. */
const BACK_OFF_MS = 5_000;
/** CrowdSec is asked for every decision so often, whatever it has told since. */
const RESYNC_MS = 3_600_000;

/** How one feed is. */
export interface FeedHealth {
  readonly feed: string;
  readonly entries: number;
  /** Since the server last confirmed the copy in use; null: there is none. */
  readonly ageMs: number | null;
  readonly failures: number;
  /** Why the last refresh failed; null after a success. */
  readonly reason: string | null;
  /** When it is refreshed next, in milliseconds since the epoch; null: never. */
  readonly nextAt: number | null;
  readonly isStale: boolean;
  /** Refreshes since the start, by result. */
  readonly results: Readonly<Record<RefreshResult, number>>;
}

export interface RefresherOptions {
  readonly settings: FeedSettings;
  readonly judge: (request: JudgeRequest) => Promise<Judgement>;
  /** Clients served in the last hour, 16 bytes each. */
  readonly goodAddresses: () => Uint8Array;
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

/** What is known of one feed that is kept fresh. */
class Kept {
  remote: RemoteFeed;
  timer: NodeJS.Timeout | null = null;
  nextAt: number | null = null;
  /** It was stale when last looked at. */
  wasStale = false;
  /** When CrowdSec last told every decision; null: its next answer must. */
  syncedAt: number | null = null;
  /** The refresh under way: a server is never asked twice at once. */
  busy: Promise<Refreshed> | null = null;
  /** When the first of its members in force ends; null: none does. */
  endsAt: number | null = null;
  readonly results: Record<RefreshResult, number> = { changed: 0, unchanged: 0, failed: 0, refused: 0 };

  constructor(remote: RemoteFeed) {
    this.remote = remote;
  }
}

export class FeedRefresher {
  readonly #options: RefresherOptions;
  readonly #client: FeedClient;
  readonly #kept: Map<string, Kept> = new Map();
  #isClosed = false;

  /** @throws the system error of `settings.ca`. */
  constructor(options: RefresherOptions) {
    this.#options = options;
    this.#client = new FeedClient(options.settings.ca);
  }

  /**
   * Refreshes those that have no copy yet, all at once; resolves when each has one or failed. Those that failed before
   * wait for their time.
   */
  async fetchMissing(feeds: readonly RemoteFeed[]): Promise<boolean> {
    const missing = feeds.filter(({ feed }) => this.#state(feed).copy === null && !this.#isWaiting(feed));
    const results = await Promise.all(
      missing.map((feed) => this.#refresh(this.#keep(feed), NOTHING_ACCEPTED)),
    );
    return results.some(({ result }) => result === 'changed');
  }

  /**
   * The feeds of the policy now in force; timers of others end.
   * @param ends When the first member of a feed ends, by the feed's name, in milliseconds since the epoch.
   */
  watch(feeds: readonly RemoteFeed[], ends: ReadonlyMap<string, number> = new Map()): void {
    for (const [name, kept] of this.#kept) {
      if (feeds.some(({ feed }) => feed.name === name)) continue;
      clearTimeout(kept.timer ?? undefined);
      this.#kept.delete(name);
    }
    for (const remote of feeds) {
      const kept = this.#keep(remote);
      kept.endsAt = ends.get(remote.feed.name) ?? null;
      if (kept.timer === null) this.#schedule(kept, null);
    }
  }

  /** Null: there is no such feed. The guards in `accepted` do not count this once. */
  async refreshNow(name: string, accepted: Accepted): Promise<Refreshed | null> {
    const kept = this.#kept.get(name);
    if (kept === undefined) return null;
    while (kept.busy !== null) await kept.busy;
    return await this.#turn(kept, accepted);
  }

  health(): readonly FeedHealth[] {
    const now = Date.now();
    return [...this.#kept.values()].map(({ remote: { feed }, nextAt, results }) => {
      const { copy, failure } = this.#state(feed);
      return {
        feed: feed.name,
        entries: copy?.entries ?? 0,
        ageMs: copy === null ? null : Math.max(0, now - copy.checkedAt),
        failures: failure?.count ?? 0,
        reason: failure?.reason ?? null,
        nextAt,
        isStale: isStale(feed, copy),
        results,
      };
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#kept.values()) clearTimeout(timer ?? undefined);
    await this.#client.destroy();
  }

  #isWaiting(feed: Feed): boolean {
    const kept = this.#kept.get(feed.name);
    return kept !== undefined && kept.timer !== null && sameFeed(kept.remote.feed, feed);
  }

  #state(feed: Feed): FeedState {
    return readState(this.#options.settings.directory, feed);
  }

  /** The entry of a feed; one of the same name that was fetched otherwise is another feed. */
  #keep(remote: RemoteFeed): Kept {
    const { feed } = remote;
    const old = this.#kept.get(feed.name);
    if (old !== undefined && sameFeed(old.remote.feed, feed)) {
      // why: a reload may have brought another secret.
      old.remote = remote;
      return old;
    }
    clearTimeout(old?.timer ?? undefined);
    const kept = new Kept(remote);
    this.#kept.set(feed.name, kept);
    return kept;
  }

  #schedule(kept: Kept, last: Refreshed | null): void {
    const { feed } = kept.remote;
    if (feed.refreshMs === null || this.#isClosed || this.#kept.get(feed.name) !== kept) return;
    const { copy, failure } = this.#state(feed);
    const wait = nextDelay(feed.refreshMs, failure?.count ?? 0, last?.retryAfterMs ?? null, Math.random());
    // why: after a restart a copy is as old as it is, not as young as the process.
    const spent = last === null && failure === null && copy !== null ? Date.now() - copy.checkedAt : 0;
    const delay = Math.round(Math.max(MIN_DELAY_MS, wait - Math.max(0, spent)));
    clearTimeout(kept.timer ?? undefined);
    kept.nextAt = Date.now() + delay;
    kept.timer = setTimeout(() => void this.#turn(kept, NOTHING_ACCEPTED), delay);
    kept.timer.unref();
  }

  async #turn(kept: Kept, accepted: Accepted): Promise<Refreshed> {
    const result = await this.#refresh(kept, accepted);
    const { feed } = kept.remote;
    if (this.#isClosed || this.#kept.get(feed.name) !== kept) return result;
    const isStaleNow = isStale(feed, this.#state(feed).copy);
    const isOtherwise = kept.wasStale !== isStaleNow;
    kept.wasStale = isStaleNow;
    const hasEnded = kept.endsAt !== null && kept.endsAt <= Date.now();
    if (result.result === 'changed' || hasEnded || isOtherwise) this.#options.onChanged();
    this.#schedule(kept, result);
    return result;
  }

  #refresh(kept: Kept, accepted: Accepted): Promise<Refreshed> {
    kept.busy ??= this.#ask(kept, accepted).finally(() => {
      kept.busy = null;
    });
    return kept.busy;
  }

  async #ask(kept: Kept, accepted: Accepted): Promise<Refreshed> {
    const { settings, judge, goodAddresses, onResult } = this.#options;
    const { feed } = kept.remote;
    const changesOnly = kept.syncedAt !== null && Date.now() - kept.syncedAt < RESYNC_MS;
    let result: Refreshed;
    try {
      const tools = { settings, judge, goodAddresses, accepted, changesOnly, client: this.#client };
      result = await refreshFeed(kept.remote, tools);
    } catch (error) {
      // The disk of the copies: what is in force stays.
      const reason = (error as Error).message;
      result = { feed: feed.name, result: 'failed', reason, retryAfterMs: null };
    }
    // why: what CrowdSec told and we did not take would never be told again.
    if (result.reason !== null || feed.source !== 'crowdsec') kept.syncedAt = null;
    else if (!changesOnly) kept.syncedAt = Date.now();
    kept.results[result.result]++;
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
