/** What the admin API tells of feeds and does with them. */
import type { FeedControl, FeedReport } from '../admin/feed-control.ts';
import type { Accepted } from '../intel/guards.ts';
import type { Refreshed } from '../intel/refresh.ts';
import type { FeedHealth, FeedRefresher } from '../intel/refresher.ts';
import type { FeedSettings } from '../intel/settings.ts';
import type { LookupAnswer, LookupRequest } from '../orchestrator/feed-lookup.ts';
import { type FoundFeed, feedPath } from '../orchestrator/feeds.ts';
import { parseIp } from '../orchestrator/ip.ts';
import type { Feed } from '../pdl/ir.ts';
import type { BatchWork } from './batch-work.ts';
import type { QuestionDesk } from './question-desk.ts';

export interface FeedDeskOptions {
  readonly settings: FeedSettings;
  readonly batch: BatchWork;
  readonly refresher: FeedRefresher;
  readonly questions: QuestionDesk;
  /** What is fetched about crawlers. */
  readonly bots: readonly Feed[];
  /** The feeds in force, and how each was found. */
  readonly feeds: () => readonly Feed[];
  readonly found: () => readonly FoundFeed[];
}

export class FeedDesk implements FeedControl {
  readonly #options: FeedDeskOptions;

  constructor(options: FeedDeskOptions) {
    this.#options = options;
  }

  list(): readonly FeedReport[] {
    const { refresher, questions, feeds, found, bots } = this.#options;
    const lists = new Map(questions.health().map((each) => [each.feed, each]));
    const health = new Map(refresher.health().map((each) => [each.feed, each]));
    const states = new Map(found().map((each) => [each.name, each]));
    const ofBots = bots.map((feed) => fetchedReport(feed, health.get(feed.name)));
    const ofPolicy = feeds().map((feed) => {
      const list = lists.get(feed.name);
      const told = report(feed, states.get(feed.name), health.get(feed.name));
      if (list === undefined) return told;
      const { problem: reason, results: queries } = list;
      return { ...told, state: reason === null ? ('good' as const) : ('failing' as const), reason, queries };
    });
    return [...ofPolicy, ...ofBots];
  }

  refresh(name: string, accepted: Accepted): Promise<Refreshed | null> {
    return this.#options.refresher.refreshNow(name, accepted);
  }

  async lookup(value: string): Promise<LookupAnswer> {
    const { batch, settings, feeds } = this.#options;
    const request: LookupRequest = { value, feeds: feeds(), settings };
    const answer = (await batch.run(request, 'lookup')) as LookupAnswer;
    return await this.#withLists(answer);
  }

  /** What DNS lists say of a single address. */
  async #withLists(answer: LookupAnswer): Promise<LookupAnswer> {
    const address = parseIp(answer.value);
    if (address === null) return answer;
    const searched = [...answer.searched];
    const unread = [...answer.unread];
    const found = [...answer.found];
    for (const [feed, said] of await this.#options.questions.lookUp(address.ip, address.isV4)) {
      (said === null ? unread : searched).push(feed.name);
      if (!said?.isListed) continue;
      const ends = new Date(Date.now() + said.lifetimeMs).toISOString();
      found.push({ feed: feed.name, entry: feed.path, line: null, score: null, ends, leftOut: null });
    }
    return { ...answer, searched, unread, found };
  }
}

/** A feed of which no policy has members. */
function fetchedReport(feed: Feed, health: FeedHealth | undefined): FeedReport {
  const { name } = feed;
  const entries = health === undefined || health.ageMs === null ? null : health.entries;
  return report(feed, { name, entries, file: null, endsAt: null }, health);
}

function report(feed: Feed, found: FoundFeed | undefined, health: FeedHealth | undefined): FeedReport {
  const { name, type, source, refreshMs, maxAgeMs, onStale } = feed;
  const ageMs = found?.file ? Math.max(0, Date.now() - found.file.changedAt) : (health?.ageMs ?? null);
  const isStale = maxAgeMs !== null && ageMs !== null && ageMs > maxAgeMs;
  const failures = health?.failures ?? 0;
  const isMissing = found === undefined || found.entries === null;
  return {
    name,
    type,
    toScore: feed.toScore === true,
    source,
    from: feedPath(feed),
    state: isMissing ? 'missing' : isStale ? 'stale' : failures > 0 ? 'failing' : 'good',
    entries: found?.entries ?? null,
    ageMs,
    refreshMs,
    maxAgeMs,
    onStale,
    nextAt: health?.nextAt ?? null,
    failures,
    reason: health?.reason ?? null,
    results: health?.results ?? null,
    queries: null,
  };
}
