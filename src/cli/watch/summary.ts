/** What `sallyport watch` has seen so far, summed up. */
import type { Traffic } from '../../admin/watch-hub.ts';
import type { ConnectionBrief } from '../../audit/brief.ts';
import { Top } from './top.ts';

export type WatchEvent =
  | ConnectionBrief
  | ({ readonly type: 'status'; readonly time: string } & Traffic)
  | { readonly type: 'lost'; readonly count: number };

/** Texts whose counts are kept at once, of each kind. */
const TOP_CAPACITY = 512;
/** Seconds whose connections make the rate. */
const RATE_SECONDS = 10;
const SCORE_BUCKETS = 10;
const REFUSALS = 50;

export class Summary {
  readonly outcomes: Top = new Top(TOP_CAPACITY);
  readonly policies: Top = new Top(TOP_CAPACITY);
  readonly addresses: Top = new Top(TOP_CAPACITY);
  /** JA4s, each with the program that it is of. */
  readonly fingerprints: Top = new Top(TOP_CAPACITY);
  readonly names: Top = new Top(TOP_CAPACITY);
  /** Connections by score: 0 to 9, 10 to 19, up to 90 to 100. */
  readonly scores: number[] = new Array(SCORE_BUCKETS).fill(0);
  /** The latest connections that were not served, the last one first. */
  readonly refusals: ConnectionBrief[] = [];
  connections = 0;
  /** Events that this reader was too slow for; they are in no count. */
  lost = 0;
  status: Traffic | null = null;
  /** Connections in each of the last seconds, by second modulo their number. */
  readonly #perSecond: number[] = new Array(RATE_SECONDS).fill(0);
  #second = 0;

  add(event: WatchEvent, nowMs: number): void {
    this.#advance(nowMs);
    if (event.type === 'status') this.status = event;
    else if (event.type === 'lost') this.lost += event.count;
    else if (event.type === 'connection') this.#count(event);
  }

  #count(brief: ConnectionBrief): void {
    this.connections++;
    this.#perSecond[this.#second % RATE_SECONDS]!++;
    this.outcomes.add(brief.outcome);
    if (brief.policy !== null) this.policies.add(brief.policy);
    this.addresses.add(brief.ip);
    if (brief.ja4 !== null) this.fingerprints.add(`${brief.ja4}  ${brief.client ?? ''}`.trimEnd());
    if (brief.sni !== null) this.names.add(brief.sni);
    if (brief.score !== null) {
      const bucket = Math.floor((brief.score * SCORE_BUCKETS) / 100);
      this.scores[Math.min(Math.max(bucket, 0), SCORE_BUCKETS - 1)]!++;
    }
    if (brief.outcome === 'served') return;
    this.refusals.unshift(brief);
    if (this.refusals.length > REFUSALS) this.refusals.pop();
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000);
    const passed = Math.min(second - this.#second, RATE_SECONDS);
    for (let back = 0; back < passed; back++) this.#perSecond[(second - back) % RATE_SECONDS] = 0;
    if (passed > 0) this.#second = second;
  }

  /** Connections a second that ended, over the last ten. */
  rate(nowMs: number): number {
    this.#advance(nowMs);
    return this.#perSecond.reduce((sum, count) => sum + count, 0) / RATE_SECONDS;
  }
}
