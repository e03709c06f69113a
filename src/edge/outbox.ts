/**
 * Tells the main thread of connections that ended: their audit lines and what is counted of them, many in one
 * message, since a message wakes that thread. A connection's slot is given back only with it, so a worker that is
 * lost loses no record.
 */
import type { MessagePort } from 'node:worker_threads';
import { briefOf } from '../audit/brief.ts';
import { formatRecord } from '../audit/format.ts';
import type { ConnectionRecord } from '../audit/record.ts';
import { isAudited } from '../audit/selection.ts';
import { meterRecord } from '../observe/connection-metrics.ts';
import { TallyMeter } from '../observe/tally.ts';
import type { ToMain } from './messages.ts';

/** Longest wait of a record for others, and least time between two messages. */
const FLUSH_MS = 10;
const PACE_MS = 50;
/** Records that are sent without a wait. */
const FULL = 256;
/** Events of one message that watchers are told; the others are counted. */
const MAX_EVENTS = 64;

export class Outbox {
  readonly #port: MessagePort;
  readonly #audited: boolean;
  readonly #release: (slot: number) => void;
  readonly #tally = new TallyMeter();
  #lines: string[] = [];
  #events: string[] = [];
  #lostEvents = 0;
  #slots: number[] = [];
  /** Does somebody want to be told of each connection? */
  watched = false;
  #scheduled: NodeJS.Timeout | null = null;
  /** By `performance.now`. */
  #flushedAt = 0;

  /** @param audited Are audit lines wanted at all? */
  constructor(port: MessagePort, audited: boolean, release: (slot: number) => void) {
    this.#port = port;
    this.#audited = audited;
    this.#release = release;
  }

  add(record: ConnectionRecord, slot: number): void {
    meterRecord(record, this.#tally);
    if (this.#audited && isAudited(record)) this.#lines.push(formatRecord(record));
    if (this.watched) this.#tell(record);
    this.#slots.push(slot);
    if (this.#slots.length >= FULL) this.flush();
    else this.#scheduled ??= setTimeout(() => this.flush(), this.#wait());
  }

  #wait(): number {
    return Math.max(FLUSH_MS, this.#flushedAt + PACE_MS - performance.now());
  }

  #tell(record: ConnectionRecord): void {
    if (this.#events.length < MAX_EVENTS) this.#events.push(JSON.stringify(briefOf(record)));
    else this.#lostEvents++;
  }

  flush(): void {
    clearTimeout(this.#scheduled ?? undefined);
    this.#scheduled = null;
    this.#flushedAt = performance.now();
    if (this.#slots.length === 0) return;
    const message: ToMain = {
      type: 'ended',
      lines: this.#lines,
      tally: this.#tally.take(),
      events: this.#events,
      lostEvents: this.#lostEvents,
    };
    this.#port.postMessage(message);
    for (const slot of this.#slots) this.#release(slot);
    this.#lines = [];
    this.#events = [];
    this.#lostEvents = 0;
    this.#slots = [];
  }
}
