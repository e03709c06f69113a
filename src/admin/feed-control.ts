/** What the admin API may ask of the edge about feeds. */
import type { DnsListHealth } from '../intel/dns-list.ts';
import type { Accepted } from '../intel/guards.ts';
import type { Refreshed, RefreshResult } from '../intel/refresh.ts';
import type { LookupAnswer } from '../orchestrator/feed-lookup.ts';
import type { Feed } from '../pdl/ir.ts';

/** One feed of the policy in force. Times are milliseconds; dates since the epoch. */
export interface FeedReport {
  readonly name: string;
  readonly type: Feed['type'];
  readonly toScore: boolean;
  readonly source: Feed['source'];
  /** Path, address or zone. */
  readonly from: string;
  /** `missing`: nothing good was ever read; `stale`: older than `max_age`; `failing`: the last refresh failed. */
  readonly state: 'good' | 'failing' | 'stale' | 'missing';
  /** Members in force; null: not known. */
  readonly entries: number | null;
  /** Since the file was changed, or the server last confirmed the copy. */
  readonly ageMs: number | null;
  readonly refreshMs: number | null;
  readonly maxAgeMs: number | null;
  readonly onStale: Feed['onStale'];
  readonly nextAt: number | null;
  readonly failures: number;
  /** Why the last refresh failed. */
  readonly reason: string | null;
  /** Questions to a DNS list since the start, by answer; null: it is none. */
  readonly queries: DnsListHealth['results'] | null;
  /** Refreshes since the start, by result; null: it is not fetched. */
  readonly results: Readonly<Record<RefreshResult, number>> | null;
}

export interface FeedControl {
  list(): readonly FeedReport[];
  /** Null: there is no such feed, or it is not fetched. */
  refresh(name: string, accepted: Accepted): Promise<Refreshed | null>;
  lookup(value: string): Promise<LookupAnswer>;
}
