/**
 * Tells the main thread of connections that ended: their audit lines and what is counted of them, many in one
 * message, since a message wakes that thread. A connection's slot is given back only with it, so a worker that is
 * lost loses no record.
 */
import type { MessagePort } from 'node:worker_threads';
import { formatRecord } from '../audit/format.ts';
import type { ConnectionRecord } from '../audit/record.ts';
import { isAudited } from '../audit/selection.ts';
import { meterRecord } from '../observe/connection-metrics.ts';
import { TallyMeter } from '../observe/tally.ts';
import type { ToMain } from './messages.ts';

/** Longest wait of a record for others. */
const FLUSH_MS = 10;
/** Records that are sent without a wait. */
const FULL = 256;

export class Outbox {
  readonly #port: MessagePort;
  readonly #audited: boolean;
  readonly #release: (slot: number) => void;
  readonly #tally = new TallyMeter();
  #lines: string[] = [];
  #slots: number[] = [];
  #scheduled: NodeJS.Timeout | null = null;

  /** @param audited Are audit lines wanted at all? */
  constructor(port: MessagePort, audited: boolean, release: (slot: number) => void) {
    this.#port = port;
    this.#audited = audited;
    this.#release = release;
  }

  add(record: ConnectionRecord, slot: number): void {
    meterRecord(record, this.#tally);
    if (this.#audited && isAudited(record)) this.#lines.push(formatRecord(record));
    this.#slots.push(slot);
    if (this.#slots.length >= FULL) this.flush();
    else this.#scheduled ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  flush(): void {
    clearTimeout(this.#scheduled ?? undefined);
    this.#scheduled = null;
    if (this.#slots.length === 0) return;
    const message: ToMain = { type: 'ended', lines: this.#lines, tally: this.#tally.take() };
    this.#port.postMessage(message);
    for (const slot of this.#slots) this.#release(slot);
    this.#lines = [];
    this.#slots = [];
  }
}
