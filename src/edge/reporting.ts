/** What the process tells about itself: the audit log, the metrics and health server, the admin API. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { AdminControl } from '../admin/control.ts';
import { startAdminServer } from '../admin/server.ts';
import { briefOf } from '../audit/brief.ts';
import { formatRecord } from '../audit/format.ts';
import { startRecord } from '../audit/record.ts';
import { AuditWriter } from '../audit/writer.ts';
import type { Config } from '../config/schema.ts';
import { createMetrics, type EdgeSample, type Metrics } from '../observe/metrics.ts';
import { type RunningServer, startMetricsServer } from '../observe/server.ts';
import type { Deployment } from '../orchestrator/deployment.ts';
import { formatIp } from '../orchestrator/ip.ts';
import type { Ended } from './messages.ts';
import type { LostConnection } from './slots.ts';

const V4_MAPPED = '00000000000000000000ffff';

export interface Reported extends AdminControl {
  readonly ready: boolean;
}

export class Reporting {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #control: Reported;
  readonly #metrics: Metrics;
  readonly #servers: RunningServer[] = [];
  #audit: AuditWriter | null = null;

  constructor(config: Config, log: Logger, control: Reported, sample: () => Omit<EdgeSample, 'audit'>) {
    this.#config = config;
    this.#log = log;
    this.#control = control;
    this.#metrics = createMetrics(() => ({
      ...sample(),
      audit: {
        written: this.#audit?.written ?? 0,
        lost: this.#audit?.lost ?? 0,
        queued: this.#audit?.queued ?? 0,
      },
    }));
  }

  /** @throws the system error of the audit log or of a port. */
  async start(): Promise<void> {
    const { audit, metrics, admin, limits } = this.#config;
    if (audit !== null) {
      this.#audit = new AuditWriter({
        file: audit.file,
        maxQueued: limits.auditQueue,
        onError: (error) => this.#log.error({ error: error.message }, 'the audit log cannot be written'),
      });
    }
    if (metrics !== null) {
      const ready = (): boolean => this.#control.ready;
      this.#servers.push(
        await startMetricsServer({ address: metrics.address, metrics: this.#metrics, ready }),
      );
    }
    if (admin !== null) this.#servers.push(await startAdminServer({ ...admin, control: this.#control }));
  }

  /** Takes the audit lines and counts of connections that ended. */
  ended({ lines, tally, events, lostEvents }: Ended): void {
    this.#metrics.fold(tally);
    this.#audit?.write(lines);
    this.#control.watch.tell(events, lostEvents);
  }

  /** Records what is left to say of connections that a worker took with it. */
  lost(lost: readonly LostConnection[], worker: number, { bundle, epoch }: Deployment): void {
    const now = Date.now();
    const records = lost.map((connection) => {
      const isV4 = Buffer.from(connection.ip).toString('hex').startsWith(V4_MAPPED);
      const record = startRecord({
        id: randomUUID(),
        listener: this.#config.listeners[connection.listener]?.name ?? '',
        worker,
        startedAtMs: connection.startedAtMs,
        clientIp: formatIp(connection.ip, isV4),
        clientPort: connection.port,
        rttUs: null,
        imageId: bundle.imageId,
        epoch,
        outcome: 'worker_lost',
      });
      record.durationsUs.total = Math.max(0, now - connection.startedAtMs) * 1_000;
      return record;
    });
    for (const record of records) this.#metrics.observeRecord(record);
    this.#audit?.write(records.map(formatRecord));
    this.#control.watch.tell(
      records.map((record) => JSON.stringify(briefOf(record))),
      0,
    );
  }

  reloaded(result: 'ok' | 'refused'): void {
    this.#metrics.observeReload(result);
  }

  reopen(): void {
    this.#audit?.reopen();
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
    await this.#audit?.close();
  }
}
