/**
 * The place of one edge worker: whoever works in it, its listening sockets and its number stay. A
 * worker that is lost or fails is followed by another on the same sockets.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Config } from '../config/schema.ts';
import type { OcspFinding } from '../identity/ocsp-client.ts';
import type { Staples } from '../identity/staple.ts';
import { createInflightRow, Inflight } from '../limit/inflight.ts';
import type { Question } from '../orchestrator/answers.ts';
import type { Deployment } from '../orchestrator/deployment.ts';
import type { TicketMasters } from '../orchestrator/ticket-keys.ts';
import type { Ended, OcspAsked, SharedState, ToMain, ToWorker, WorkerTask } from './messages.ts';
import { collectLost, type LostConnection, SLOT_BYTES } from './slots.ts';

export interface WorkerSlotOptions {
  readonly slot: number;
  readonly config: Config;
  readonly shared: SharedState;
  /** Runs the task in the edge pool or, without workers, on this thread; ends when the worker has. */
  readonly run: (task: WorkerTask) => Promise<void>;
  /** Ends a thread of the edge pool without a word to it. */
  readonly terminate: (threadId: number) => void;
  /** A listening socket of this slot for each listener; null where the worker listens itself. */
  readonly sockets: () => readonly (number | null)[];
  readonly ports: () => readonly number[];
  readonly deployment: () => Deployment;
  readonly ticketMasters: () => TicketMasters;
  readonly staples: () => Staples;
  /** Audit lines and counts of connections that ended. */
  readonly onEnded: (ended: Ended) => void;
  readonly onQuestions: (questions: readonly Question[]) => void;
  readonly onOcsp: (asked: OcspAsked) => OcspFinding | Promise<OcspFinding>;
  /** Does somebody want to be told of each connection? */
  readonly watched: () => boolean;
  /** Connections that went with a worker. */
  readonly onLost: (lost: readonly LostConnection[], slot: number) => void;
  readonly onProblem: (message: string, error: string) => void;
}

/** Waits between attempts to start a worker that does not come up, doubling up to the second. */
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 5_000;

/** One worker, from its start to its end. */
class Incarnation {
  readonly gauges = new Int32Array(new SharedArrayBuffer(20));
  readonly inflight = createInflightRow();
  readonly slots: SharedArrayBuffer;
  readonly port: MessagePort;
  readonly remote: MessagePort;
  ready = false;
  threadId = 0;

  constructor(connections: number) {
    this.slots = new SharedArrayBuffer(connections * SLOT_BYTES);
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.remote = port2;
  }

  send(message: ToWorker): void {
    this.port.postMessage(message);
  }
}

export class WorkerSlot {
  readonly #options: WorkerSlotOptions;
  readonly #running = new Set<Incarnation>();
  readonly #deploying = new Map<number, (error: string | null) => void>();
  #current: Incarnation | null = null;
  #ending = false;
  #backoffMs = FIRST_BACKOFF_MS;
  #idle: (() => void) | null = null;
  /** Of workers that are gone. */
  #evictedBefore = 0;
  #ocspHitsBefore = 0;
  /** Workers started after the first. */
  restarts = 0;

  constructor(options: WorkerSlotOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#current?.ready ?? false;
  }

  /** Connections held without an answer. */
  get held(): number {
    return this.#sum(0);
  }

  /** Held connections that had to make room, since the first worker. */
  get evicted(): number {
    return this.#evictedBefore + this.#sum(1);
  }

  /** Connections that wait for the solution of a puzzle. */
  get puzzles(): number {
    return this.#sum(2);
  }

  /** Client certificates whose status a worker knew by OCSP, since the first worker. */
  get ocspHits(): number {
    return this.#ocspHitsBefore + this.#sum(4);
  }

  /** Longest time that the loop stood still in the last five seconds, in microseconds. */
  get stall(): number {
    return Math.max(0, ...[...this.#running].map(({ gauges }) => gauges[3]!));
  }

  #sum(gauge: number): number {
    let sum = 0;
    for (const { gauges } of this.#running) sum += gauges[gauge]!;
    return sum;
  }

  /** Starts the first worker. Resolves with its ports; rejects when it cannot start. */
  start(): Promise<readonly number[]> {
    return new Promise((resolve, reject) => this.#launch(resolve, reject));
  }

  #launch(onReady: (ports: readonly number[]) => void, onStartFailure: (error: Error) => void): void {
    const options = this.#options;
    const worker = new Incarnation(this.#capacity());
    this.#current = worker;
    this.#running.add(worker);
    worker.port.on('message', (message: ToMain) => this.#onMessage(worker, message, onReady));
    const task: WorkerTask = {
      port: worker.remote,
      slot: options.slot,
      config: options.config,
      deployment: options.deployment(),
      ticketMasters: options.ticketMasters(),
      staples: options.staples(),
      shared: options.shared,
      slots: worker.slots,
      gauges: worker.gauges.buffer as SharedArrayBuffer,
      inflight: worker.inflight,
      sockets: options.sockets(),
      ports: options.ports(),
    };
    options.run(task).then(
      () => this.#onEnd(worker, null, onStartFailure),
      (error: unknown) => this.#onEnd(worker, error as Error, onStartFailure),
    );
  }

  #capacity(): number {
    const { connectionsPerWorker, connections } = this.#options.config.limits;
    return Math.min(connectionsPerWorker, connections);
  }

  #onMessage(worker: Incarnation, message: ToMain, onReady: (ports: readonly number[]) => void): void {
    switch (message.type) {
      case 'ready':
        worker.ready = true;
        worker.threadId = message.threadId;
        if (this.#options.watched()) worker.send({ type: 'watch', watched: true });
        this.#backoffMs = FIRST_BACKOFF_MS;
        onReady(message.ports);
        return;
      case 'ended':
        this.#options.onEnded(message);
        return;
      case 'deployed':
        this.#settle(message.epoch, message.error);
        return;
      case 'asked':
        this.#options.onQuestions(message.questions);
        return;
      case 'ocsp':
        void this.#answerOcsp(worker, message);
        return;
      case 'notice':
        this.#options.onProblem(`listener ${message.listener}`, message.message);
        return;
      case 'failed':
        this.#options.onProblem(
          'an edge worker failed; it drains and another takes its place',
          message.error,
        );
        if (worker === this.#current && !this.#ending) this.#replace();
    }
  }

  async #answerOcsp(worker: Incarnation, asked: OcspAsked): Promise<void> {
    const found = await this.#options.onOcsp(asked);
    worker.send({ type: 'ocsp', id: asked.id, found });
  }

  #settle(epoch: number, error: string | null): void {
    this.#deploying.get(epoch)?.(error);
    this.#deploying.delete(epoch);
  }

  #onEnd(worker: Incarnation, error: Error | null, onStartFailure: (error: Error) => void): void {
    // why: what the worker posted before it ended is still in the port, and counts.
    for (let next = receiveMessageOnPort(worker.port); next; next = receiveMessageOnPort(worker.port)) {
      this.#onMessage(worker, next.message as ToMain, () => {});
    }
    worker.port.close();
    this.#running.delete(worker);
    this.#evictedBefore += worker.gauges[1]!;
    this.#ocspHitsBefore += worker.gauges[4]!;
    new Inflight(this.#options.shared.inflight, worker.inflight).forget();
    this.#options.onLost(collectLost(worker.slots), this.#options.slot);
    if (this.#running.size === 0) this.#idle?.();
    if (worker !== this.#current || this.#ending) return;
    for (const epoch of [...this.#deploying.keys()]) this.#settle(epoch, null);
    if (!worker.ready && this.restarts === 0 && error !== null) {
      onStartFailure(error);
      return;
    }
    this.#options.onProblem(
      'an edge worker ended; another takes its place',
      error?.message ?? 'no reason given',
    );
    this.#replace();
  }

  #replace(): void {
    this.restarts++;
    this.#current = null;
    const wait = this.restarts === 1 || this.#backoffMs === FIRST_BACKOFF_MS ? 0 : this.#backoffMs;
    this.#backoffMs = Math.min(this.#backoffMs * 2, MAX_BACKOFF_MS);
    setTimeout(() => {
      if (this.#ending) return;
      this.#launch(
        () => {},
        () => {},
      );
    }, wait);
  }

  /** Tells the workers whether somebody wants to be told of each connection. */
  watch(watched: boolean): void {
    for (const worker of this.#running) worker.send({ type: 'watch', watched });
  }

  /** Puts a deployment in force. Resolves with the reason when the worker refuses it. */
  deploy(deployment: Deployment): Promise<string | null> {
    const worker = this.#current;
    // why: a worker that is not up yet starts with the deployment that is in force by then.
    if (!worker?.ready) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#deploying.set(deployment.epoch, resolve);
      worker.send({ type: 'deploy', deployment });
    });
  }

  /** Has every worker, also one that is still starting, make tickets with the first master. */
  rotateTicketKeys(masters: TicketMasters): void {
    for (const worker of this.#running) worker.send({ type: 'tickets', masters });
  }

  /** Has every worker, also one that is still starting, staple these answers and no others. */
  staple(staples: Staples): void {
    for (const worker of this.#running) worker.send({ type: 'staples', staples });
  }

  /** Lets open connections end; those left after `timeoutMs` are closed. */
  drain(timeoutMs: number): Promise<void> {
    return this.#finish({ type: 'drain', timeoutMs });
  }

  /** Closes every open connection now. */
  stop(): Promise<void> {
    return this.#finish({ type: 'stop' });
  }

  #finish(message: ToWorker): Promise<void> {
    this.#ending = true;
    if (this.#running.size === 0) return Promise.resolve();
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    for (const worker of this.#running) worker.send(message);
    return idle;
  }

  /** Ends the worker's thread without a word to it, as a crash would: for tests of what then happens. */
  kill(): void {
    if (this.#current?.ready) this.#options.terminate(this.#current.threadId);
  }
}
