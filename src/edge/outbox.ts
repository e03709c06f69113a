/**
 * Sends the records of ended connections to the main thread, all of one turn of the event loop in one
 * message. A connection's slot is given back only then, so a worker that is lost loses no record.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ConnectionRecord } from '../audit/record.ts';
import type { ToMain } from './messages.ts';

export class Outbox {
  readonly #port: MessagePort;
  readonly #release: (slot: number) => void;
  #records: ConnectionRecord[] = [];
  #slots: number[] = [];
  #scheduled: NodeJS.Immediate | null = null;

  constructor(port: MessagePort, release: (slot: number) => void) {
    this.#port = port;
    this.#release = release;
  }

  add(record: ConnectionRecord, slot: number): void {
    this.#records.push(record);
    this.#slots.push(slot);
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  flush(): void {
    this.#scheduled = null;
    if (this.#records.length === 0) return;
    const message: ToMain = { type: 'records', records: this.#records };
    this.#port.postMessage(message);
    for (const slot of this.#slots) this.#release(slot);
    this.#records = [];
    this.#slots = [];
  }
}
