/** Makes the shared tables when the process starts, from the last snapshot where there is one, and saves them. */
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { ClientHistory } from '../orchestrator/client-history.ts';
import {
  createSharedTables,
  openTables,
  type SharedTables,
  TABLE_NAMES,
  type TableName,
  type Tables,
} from '../orchestrator/shared-tables.ts';
import { UNKNOWN_ORIGIN } from '../profile/address/origins.ts';
import { readSnapshot, restoreTable, type Snapshot, saveSnapshot } from '../store/snapshot.ts';

export class TableKeeper {
  readonly shared: SharedTables;
  readonly tables: Tables;
  readonly #clients: ClientHistory;
  readonly #config: Config['history'];
  readonly #log: Logger;
  #timer: NodeJS.Timeout | null = null;
  #saving: Promise<void> = Promise.resolve();

  /** A snapshot that cannot be used is told of once, and the tables start empty. */
  constructor({ limits, history }: Config, log: Logger) {
    this.#config = history;
    this.#log = log;
    const snapshot = history.file === null ? null : this.#read(history.file);
    this.shared = createSharedTables(limits, history.window, snapshot?.seed);
    this.tables = openTables(this.shared);
    this.#clients = new ClientHistory(this.tables.clients, this.tables.hasher);
    if (snapshot !== null) this.#restore(snapshot);
  }

  #read(file: string): Snapshot | null {
    const snapshot = readSnapshot(file);
    if (typeof snapshot !== 'string') return snapshot;
    this.#log.error({ file, reason: snapshot }, 'the saved history cannot be used; starting without it');
    return null;
  }

  #restore(snapshot: Snapshot): void {
    const { window } = this.#config;
    const restored: Partial<Record<TableName, number>> = {};
    for (const name of TABLE_NAMES) {
      // why: the clients' counts are named by their window; under another one they would be misread.
      if (name === 'clients' && snapshot.windowMs !== window) continue;
      restored[name] = restoreTable(snapshot, name, this.tables[name].table, Date.now());
    }
    this.#log.info({ restored }, 'history restored');
  }

  /** What is remembered of an address, of its network, and of a JA4 when one is given. */
  describe(ip: Uint8Array, isV4: boolean, ja4: string | null): object {
    const client = {
      ip,
      isV4,
      ja4,
      listener: '',
      sni: null,
      ja3: null,
      origin: UNKNOWN_ORIGIN,
      others: new Map(),
      historyKeys: null,
    };
    return this.#clients.describe(client, Date.now());
  }

  /** Saves from now on, every `history.interval`. */
  start(): void {
    if (this.#config.file === null) return;
    this.#timer = setInterval(() => void this.save(), this.#config.interval);
    this.#timer.unref();
  }

  /** Saves once more, when nothing else happens any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer ?? undefined);
    if (this.#timer !== null) await this.save();
  }

  /** One snapshot after the other; one that fails is told of, and the last good one stays. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save());
    return this.#saving;
  }

  async #save(): Promise<void> {
    const { file, window } = this.#config;
    if (file === null) return;
    const tables = Object.fromEntries(TABLE_NAMES.map((name) => [name, this.tables[name].table]));
    try {
      const entries = await saveSnapshot(file, { seed: this.shared.seed, windowMs: window, tables });
      this.#log.debug({ file, entries }, 'history saved');
    } catch (error) {
      this.#log.error({ file, error: (error as Error).message }, 'the history cannot be saved');
    }
  }
}
