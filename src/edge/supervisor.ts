/**
 * The control plane, on the main thread: owns the sockets, keeps the workers and puts policies in
 * force. It never accepts client traffic.
 */
import type { Logger } from 'pino';
import type { AdminControl, ReloadResult } from '../admin/control.ts';
import { type Traffic, WatchHub } from '../admin/watch-hub.ts';
import type { Config } from '../config/schema.ts';
import { remoteBots } from '../intel/bot-sources.ts';
import type { Judgement } from '../intel/guards.ts';
import { FeedRefresher } from '../intel/refresher.ts';
import { createInflight, createInflightRow, Inflight } from '../limit/inflight.ts';
import type { OcspCounts } from '../observe/ocsp-metrics.ts';
import type { Bundle } from '../orchestrator/bundle.ts';
import type { Deployment } from '../orchestrator/deployment.ts';
import { handshakeRate } from '../orchestrator/handshake-rate.ts';
import { tableStates } from '../orchestrator/shared-tables.ts';
import { rotateMasters, type TicketMasters } from '../orchestrator/ticket-keys.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import type { LoadedDatabase } from '../profile/address/load-database.ts';
import { OriginStore } from '../profile/address/origin-store.ts';
import { type Addon, loadAddon } from './addon.ts';
import { BatchWork } from './batch-work.ts';
import { Deployer, refreshInterval } from './deployer.ts';
import { FeedDesk } from './feed-desk.ts';
import type { SharedState, WorkerTask } from './messages.ts';
import { ModeDesk } from './mode-desk.ts';
import { OcspDesk } from './ocsp-desk.ts';
import { createEdgePool, runInPool } from './pools.ts';
import { QuestionDesk } from './question-desk.ts';
import { Reporting } from './reporting.ts';
import { SharedCount } from './slots.ts';
import { type BoundListener, ListeningSockets } from './sockets.ts';
import { Stapler } from './stapler.ts';
import { TableKeeper } from './table-keeper.ts';
import runEdgeWorker from './worker.ts';
import { WorkerSlot } from './worker-slot.ts';

export interface SupervisorOptions {
  readonly config: Config;
  readonly log: Logger;
}

/** The policy or the certificates cannot be put in force; `diagnostics` says where and why. */
export class DeploymentError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super('the policy or the certificates have errors');
    this.name = 'DeploymentError';
    this.diagnostics = diagnostics;
  }
}

export type { ReloadResult };

/** Shortest interval at which feed files are looked at, whatever a policy asks for. */
const MIN_REFRESH_MS = 1_000;

export class Supervisor implements AdminControl {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #addon: Addon | null;
  readonly #shared: SharedState;
  readonly #total: SharedCount;
  readonly #keeper: TableKeeper;
  readonly #batch = new BatchWork();
  readonly #edgePool: ReturnType<typeof createEdgePool> | null;
  readonly #refresher: FeedRefresher;
  readonly #origins: OriginStore;
  readonly #questions: QuestionDesk;
  readonly #deployer: Deployer;
  readonly #stapler: Stapler;
  readonly #ocsp = new OcspDesk();
  readonly feeds: FeedDesk;
  readonly modes: ModeDesk;
  readonly #slots: WorkerSlot[] = [];
  readonly #reporting: Reporting;
  readonly watch: WatchHub = new WatchHub(
    () => this.#traffic(),
    (watched) => {
      for (const slot of this.#slots) slot.watch(watched);
    },
  );
  #sockets: ListeningSockets | null = null;
  #bound: readonly BoundListener[] = [];
  #deployment: Deployment | null = null;
  /** The reload under way, or the one before. */
  #lastReload: Promise<void> = Promise.resolve();
  /** The one that waits for it. */
  #nextReload: Promise<ReloadResult> | null = null;
  #isReloading = false;
  /** Somebody waits for the next reload. */
  #isAwaited = false;
  #refresh: NodeJS.Timeout | null = null;
  #ticketMasters: TicketMasters = rotateMasters();
  #rotation: NodeJS.Timeout | null = null;
  #ending: Promise<void> | null = null;

  private constructor({ config, log }: SupervisorOptions) {
    this.#config = config;
    this.#log = log;
    const { addon, reason } = loadAddon();
    this.#addon = addon;
    if (addon === null)
      log.warn({ reason }, 'running without the native addon: no SYN facts, no look before accept');
    const { limits } = config;
    this.#keeper = new TableKeeper(config, log);
    this.#shared = {
      total: new SharedArrayBuffer(4),
      inflight: createInflight(),
      ...this.#keeper.shared,
    };
    this.#total = new SharedCount(this.#shared.total, limits.connections);
    this.#edgePool = config.threads === 0 ? null : createEdgePool(config.threads);
    this.#refresher = new FeedRefresher({
      settings: config.feeds,
      judge: (request) => this.#batch.runQuietly(request, 'judge') as Promise<Judgement>,
      goodAddresses: () => this.#keeper.tables.good.recent(Date.now()),
      onChanged: () => void this.#reloadQuietly(),
      onResult: ({ feed, result, reason }) => {
        if (reason === null) log.info({ feed, result }, 'feed refreshed');
        else log.warn({ feed, result, reason }, 'feed not refreshed; what was in force stays');
      },
    });
    this.#questions = new QuestionDesk(config.feeds.resolvers, this.#keeper.tables);
    this.#origins = new OriginStore({
      files: config.geo,
      load: (task) => this.#batch.runQuietly(task, 'database') as Promise<LoadedDatabase | string>,
      onChanged: () => void this.#reloadQuietly(),
    });
    this.#stapler = new Stapler({
      settings: config.ocsp,
      log,
      onChanged: (staples) => {
        for (const slot of this.#slots) slot.staple(staples);
      },
    });
    this.modes = new ModeDesk({
      log,
      inflight: () => this.#total.value,
      handshakes: (nowMs) => handshakeRate(this.#keeper.tables, nowMs),
    });
    this.#deployer = new Deployer(
      config,
      this.#batch,
      this.#refresher,
      this.#questions,
      this.#origins,
      this.modes,
      Boolean(addon?.tls),
    );
    this.feeds = new FeedDesk({
      settings: config.feeds,
      batch: this.#batch,
      refresher: this.#refresher,
      questions: this.#questions,
      bots: remoteBots(config.bots, config.file).map(({ feed }) => feed),
      feeds: () => this.#deployment?.bundle.program.feeds ?? [],
      found: () => this.#deployer.feeds,
    });
    this.#reporting = new Reporting(config, log, this, () => ({
      ...this.#traffic(),
      evictedTarpits: this.#slots.reduce((sum, slot) => sum + slot.evicted, 0),
      waitingPuzzles: this.#slots.reduce((sum, slot) => sum + slot.puzzles, 0),
      stallUs: Math.max(0, ...this.#slots.map((slot) => slot.stall)),
      workerRestarts: this.#slots.reduce((sum, slot) => sum + slot.restarts, 0),
      tables: tableStates(this.#keeper.tables),
      feeds: this.#refresher.health(),
      dnsLists: this.#questions.health(),
      bots: this.#questions.bots,
      databases: this.#origins.health(),
      staples: this.#stapler.health(),
      ocsp: this.#ocspCounts,
      modes: this.modes.list(),
      policy: this.#deployment && { imageId: this.#deployment.bundle.imageId, epoch: this.#deployment.epoch },
    }));
  }

  /**
   * Starts everything and resolves once every worker accepts.
   * @throws DeploymentError, or the system error of a listener, the audit log or a control port.
   */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const supervisor = new Supervisor(options);
    try {
      await supervisor.#start();
    } catch (error) {
      await supervisor.stop();
      throw error;
    }
    return supervisor;
  }

  async #start(): Promise<void> {
    const { deployment, diagnostics, remoteFeeds, stapled } = await this.#deployer.make(false);
    if (deployment === null) throw new DeploymentError(diagnostics);
    this.#logWarnings(diagnostics);
    this.#deployment = deployment;
    await this.#stapler.use(stapled);
    await this.#reporting.start();
    await this.#listen();
    const workers = Math.max(1, this.#config.threads);
    for (let slot = 0; slot < workers; slot++) {
      this.#slots.push(this.#createSlot(slot));
      const ports = await this.#slots[slot]!.start();
      // why: without the addon the first worker finds the free port that the others must join.
      this.#bound = this.#bound.map((bound, index) => ({ ...bound, port: ports[index]! }));
    }
    this.#scheduleRefresh();
    this.#rotation = setInterval(() => this.rotateTicketKeys(), this.#config.tls.ticketRotation).unref();
    this.#refresher.watch(remoteFeeds, this.#deployer.feedEnds);
    this.#origins.watch();
    this.#keeper.start();
  }

  async #listen(): Promise<void> {
    const { listeners, limits, threads } = this.#config;
    if (this.#addon === null) {
      this.#bound = listeners.map(({ name, address }) => ({ listener: name, ...address }));
      return;
    }
    this.#sockets = await ListeningSockets.open(this.#addon, listeners, Math.max(1, threads), limits.backlog);
    this.#bound = this.#sockets.bound;
  }

  #createSlot(slot: number): WorkerSlot {
    const pool = this.#edgePool;
    return new WorkerSlot({
      slot,
      config: this.#config,
      shared: this.#shared,
      run: async (task: WorkerTask) => {
        if (pool === null) await runEdgeWorker(task);
        else await runInPool(pool, task);
      },
      terminate: (threadId) => void pool?.threads.find((thread) => thread.threadId === threadId)?.terminate(),
      sockets: () => this.#sockets?.duplicates(slot) ?? this.#config.listeners.map(() => null),
      ports: () => this.#bound.map(({ port }) => port),
      deployment: () => this.#deployment!,
      ticketMasters: () => this.#ticketMasters,
      staples: () => this.#stapler.staples,
      onEnded: (ended) => this.#reporting.ended(ended),
      onOcsp: (asked) => this.#ocsp.answer(asked),
      onQuestions: (questions) => this.#questions.answer(questions),
      watched: () => this.watch.watched,
      onLost: (lost, worker) => {
        this.#total.leave(lost.length);
        this.#reporting.lost(lost, worker, this.#deployment!);
        for (const { fd } of lost) if (fd !== -1) this.#addon?.close(fd);
      },
      onProblem: (message, error) => this.#log.error({ worker: slot, error }, message),
    });
  }

  /** Where the edge listens, in the configuration's order; ports are those bound. */
  get addresses(): readonly BoundListener[] {
    return this.#bound;
  }

  /** True while new connections are accepted. */
  get ready(): boolean {
    return this.#ending === null && this.#slots.length > 0 && this.#slots.some((slot) => slot.ready);
  }

  /**
   * Reads policy, feeds and certificates again and puts them in force. When anything is wrong nothing
   * changes. Calls that come while one is under way share the one after it.
   */
  reload(): Promise<ReloadResult> {
    this.#isAwaited = true;
    return this.#reloadQuietly();
  }

  /** As `reload`, where nobody waits for it. */
  #reloadQuietly(): Promise<ReloadResult> {
    this.#nextReload ??= this.#lastReload.then(() => {
      this.#nextReload = null;
      this.#isReloading = true;
      const quietly = !this.#isAwaited;
      this.#isAwaited = false;
      const reload = this.#reload(quietly).finally(() => {
        this.#isReloading = false;
      });
      this.#lastReload = reload.then(
        () => {},
        () => {},
      );
      return reload;
    });
    return this.#nextReload;
  }

  async #reload(quietly: boolean): Promise<ReloadResult> {
    const { deployment, diagnostics, remoteFeeds, stapled } = await this.#deployer.make(quietly);
    if (deployment === null) {
      this.#reporting.reloaded('refused');
      for (const entry of diagnostics)
        if (entry.severity === 'error') this.#log.error(entry, 'reload refused');
      return { ok: false, diagnostics };
    }
    this.#logWarnings(diagnostics);
    // why: a renewed certificate has its answer from its first handshake on.
    await this.#stapler.use(stapled);
    this.#deployment = deployment;
    const refusals = await Promise.all(this.#slots.map((slot) => slot.deploy(deployment)));
    refusals.forEach((error, worker) => {
      if (error !== null) this.#log.error({ worker, error }, 'a worker kept the policy it had');
    });
    this.#scheduleRefresh();
    this.#refresher.watch(remoteFeeds, this.#deployer.feedEnds);
    this.#reporting.reloaded('ok');
    const { imageId } = deployment.bundle;
    this.#log.info({ imageId, epoch: deployment.epoch }, 'policy in force');
    return { ok: true, imageId, epoch: deployment.epoch };
  }

  #logWarnings(diagnostics: readonly Diagnostic[]): void {
    for (const entry of diagnostics) this.#log.warn(entry, entry.message);
  }

  #scheduleRefresh(): void {
    clearInterval(this.#refresh ?? undefined);
    const interval = refreshInterval(this.#deployment!);
    this.#refresh = setInterval(
      () => {
        if (!this.#isReloading && this.#deployer.filesChanged()) void this.#reloadQuietly();
      },
      Math.max(interval, MIN_REFRESH_MS),
    );
    this.#refresh.unref();
  }

  #traffic(): Traffic {
    return {
      connections: this.#total.value,
      held: this.#slots.reduce((sum, slot) => sum + slot.held, 0),
      handshakes: new Inflight(this.#shared.inflight, createInflightRow()).all,
      workers: this.#slots.filter((slot) => slot.ready).length,
    };
  }

  /** Of client certificates, in all workers. */
  get #ocspCounts(): OcspCounts {
    const { hits, misses } = this.#ocsp.counts;
    return { hits: hits + this.#slots.reduce((sum, slot) => sum + slot.ocspHits, 0), misses };
  }

  describeClient(
    { ip, isV4 }: { readonly ip: Uint8Array; readonly isV4: boolean },
    ja4: string | null,
  ): object {
    return this.#keeper.describe(ip, isV4, ja4);
  }

  bundle(): Bundle | null {
    return this.#deployment?.bundle ?? null;
  }

  status(): object {
    return {
      ready: this.ready,
      addon: this.#addon !== null,
      listeners: this.#bound,
      policy: this.#deployment && {
        imageId: this.#deployment.bundle.imageId,
        revision: this.#deployment.bundle.program.revision,
        epoch: this.#deployment.epoch,
      },
      feeds: this.#refresher.health(),
      databases: this.#origins.health(),
      staples: this.#stapler.health(),
      ocsp: this.#ocspCounts,
      modes: this.modes.list(),
      connections: this.#total.value,
      workers: this.#slots.map((slot, index) => ({
        worker: index,
        ready: slot.ready,
        restarts: slot.restarts,
      })),
    };
  }

  /** Opens the audit log's path again, after a rotation. */
  reopenLogs(): void {
    this.#reporting.reopen();
  }

  /** Stops accepting, lets open connections end, closes those left at the deadline, then ends everything. */
  drain(timeoutMs: number = this.#config.limits.drainTimeout): Promise<void> {
    this.#ending ??= this.#end((slot) => slot.drain(timeoutMs));
    return this.#ending;
  }

  /** Ends everything now. A drain under way is cut short. */
  async stop(): Promise<void> {
    if (this.#ending !== null) await Promise.all(this.#slots.map((slot) => slot.stop()));
    this.#ending ??= this.#end((slot) => slot.stop());
    await this.#ending;
  }

  async #end(finish: (slot: WorkerSlot) => Promise<void>): Promise<void> {
    clearInterval(this.#refresh ?? undefined);
    clearInterval(this.#rotation ?? undefined);
    this.#origins.close();
    this.#stapler.close();
    this.modes.close();
    await Promise.all(this.#slots.map(finish));
    this.#sockets?.close();
    await this.#keeper.close();
    await this.#refresher.close();
    this.#questions.close();
    await Promise.all([this.#edgePool?.destroy(), this.#batch.close(), this.#reporting.close()]);
  }

  /** Makes tickets with a new key from here on; those of the key before it still resume, older ones no more. */
  rotateTicketKeys(): void {
    this.#ticketMasters = rotateMasters(this.#ticketMasters);
    for (const slot of this.#slots) slot.rotateTicketKeys(this.#ticketMasters);
  }

  /** Ends a worker's thread as a crash would: for tests of what then happens. */
  killWorker(slot: number): void {
    this.#slots[slot]?.kill();
  }
}

/** @throws DeploymentError, or the system error of a listener, the audit log or a control port. */
export function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  return Supervisor.start(options);
}
