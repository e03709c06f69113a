/**
 * An edge worker: one long task that accepts, decides, handshakes and serves on its own event loop.
 * The same function runs on the main thread when the configuration asks for no workers.
 */
import { isMainThread, threadId } from 'node:worker_threads';
import type { ListenerConfig, TcpUpstreamConfig } from '../config/schema.ts';
import { Core } from '../core/core.ts';
import { loadCoreModule } from '../core/module.ts';
import { Inflight } from '../limit/inflight.ts';
import type { Deployment } from '../orchestrator/deployment.ts';
import { Engine } from '../orchestrator/engine.ts';
import { History } from '../orchestrator/history.ts';
import { openTables } from '../orchestrator/shared-tables.ts';
import { acceptFrom, type Source } from './accept.ts';
import { loadAddon } from './addon.ts';
import { ChallengeGate } from './challenge-gate.ts';
import { DescriptorWatch } from './descriptors.ts';
import { HttpUpstream } from './http-proxy.ts';
import { HttpService } from './http-service.ts';
import { listenWithNet } from './listener.ts';
import { EdgeLoop, type ListenerState, type Service } from './loop.ts';
import { LoopWatch } from './loop-watch.ts';
import type { ToMain, ToWorker, WorkerTask } from './messages.ts';
import { OcspBox } from './ocsp-box.ts';
import { OpenSsl } from './openssl.ts';
import { Outbox } from './outbox.ts';
import { PassthroughNames } from './passthrough.ts';
import { ProxyGate } from './proxy-gate.ts';
import { QuestionBox } from './question-box.ts';
import { ConnectionSlots, SharedCount } from './slots.ts';
import { TcpService } from './tcp-service.ts';

const GAUGE_INTERVAL_MS = 500;
const GAUGE = { held: 0, evicted: 1, puzzles: 2, stall: 3, ocspHits: 4 } as const;

function gateOf({ proxyProtocol }: ListenerConfig): ProxyGate | null {
  return proxyProtocol && new ProxyGate(proxyProtocol.from, proxyProtocol.require);
}

class EdgeWorker {
  readonly #task: WorkerTask;
  readonly #loop: EdgeLoop;
  readonly #gate: ChallengeGate;
  readonly #outbox: Outbox;
  readonly #questions: QuestionBox;
  readonly #ocsp: OcspBox;
  readonly #services: readonly Service[];
  readonly #listeners: readonly ListenerState[];
  readonly #sources: Source[] = [];
  readonly #gauges: Int32Array;
  readonly #stalls = new LoopWatch();
  /** Made with the first listener that the addon accepts for. */
  #watch: DescriptorWatch | null = null;
  #finish: () => void = () => {};
  #draining = false;
  /** Deployments are taken one after the other. */
  #deploying: Promise<void> = Promise.resolve();

  constructor(task: WorkerTask) {
    this.#task = task;
    const { config, shared } = task;
    const tables = openTables(shared);
    this.#questions = new QuestionBox(task.port);
    this.#ocsp = new OcspBox(task.port);
    const history = new History(tables, (question) => this.#questions.add(question));
    this.#gate = new ChallengeGate(history, tables.clearances);
    this.#gauges = new Int32Array(task.gauges);
    this.#outbox = new Outbox(task.port, config.audit !== null, (slot) => this.#loop.release(slot));
    const core = new Core(loadCoreModule());
    core.maxHelloBytes = config.limits.helloBytes;
    this.#loop = new EdgeLoop({
      config,
      worker: task.slot,
      engine: new Engine(core, history),
      history,
      openssl: new OpenSsl(loadAddon().addon, config.tls.puzzleExtension),
      slots: new ConnectionSlots(task.slots),
      total: new SharedCount(shared.total, config.limits.connections),
      ticketMasters: task.ticketMasters,
      ocsp: this.#ocsp.ask,
      staples: task.staples,
      inflight: new Inflight(shared.inflight, task.inflight),
      report: (record, slot) => this.#outbox.add(record, slot),
    });
    const services = this.#makeServices();
    this.#services = [...services.values()];
    this.#listeners = config.listeners.map((listener, index) => ({
      index,
      config: listener,
      service: services.get(listener.upstream)!,
      proxies: gateOf(listener),
      passthrough: new PassthroughNames(listener),
    }));
  }

  /** One service for each upstream, which knows the others of its protocol since a policy can name one of them. */
  #makeServices(): Map<string, Service> {
    const { upstreams, headers, limits } = this.#task.config;
    const http = new Map<string, HttpUpstream>();
    const tcp = new Map<string, TcpUpstreamConfig>();
    for (const [name, upstream] of Object.entries(upstreams)) {
      if (upstream.protocol === 'tcp') tcp.set(name, upstream);
      else http.set(name, new HttpUpstream(name, upstream, headers));
    }
    const services = new Map<string, Service>();
    for (const name of http.keys()) services.set(name, new HttpService(name, http, this.#gate, limits));
    for (const name of tcp.keys()) services.set(name, new TcpService(name, tcp));
    return services;
  }

  #post(message: ToMain): void {
    this.#task.port.postMessage(message);
  }

  #deploy(deployment: Deployment): void {
    this.#loop.load(deployment);
    this.#gate.load(deployment.bundle);
  }

  /** Ends when the worker has drained. @throws when it cannot load its policy or listen. */
  async run(): Promise<void> {
    const { port, deployment } = this.#task;
    const done = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    this.#deploy(deployment);
    const ports = await this.#listen();
    const onFailure = (error: unknown): void => this.#fail(error);
    // why: on the main thread an unexpected error is the process's own; there is nobody to replace it.
    if (!isMainThread) process.on('uncaughtException', onFailure);
    port.on('message', (message: ToWorker) => this.#onMessage(message));
    const gauges = setInterval(() => this.#measure(), GAUGE_INTERVAL_MS);
    this.#post({ type: 'ready', ports, threadId });
    await done;
    clearInterval(gauges);
    this.#stalls.close();
    await Promise.all(this.#services.map((service) => service.close()));
    this.#watch?.close();
    this.#outbox.flush();
    this.#questions.flush();
    this.#measure();
    if (!isMainThread) process.off('uncaughtException', onFailure);
    port.close();
  }

  async #listen(): Promise<number[]> {
    const ports: number[] = [];
    for (const listener of this.#listeners) ports.push(await this.#open(listener));
    return ports;
  }

  async #open(listener: ListenerState): Promise<number> {
    const port = this.#task.ports[listener.index]!;
    const fd = this.#task.sockets[listener.index] ?? null;
    if (fd === null) {
      const { source, port: bound } = await listenWithNet(this.#loop, listener, port);
      this.#sources.push(source);
      return bound;
    }
    this.#watch ??= new DescriptorWatch(loadAddon().addon!);
    const onNotice = (message: string): void =>
      this.#post({ type: 'notice', listener: listener.config.name, message });
    this.#sources.push(acceptFrom(this.#watch, fd, this.#loop, listener, onNotice));
    return port;
  }

  #measure(): void {
    this.#gauges[GAUGE.held] = this.#loop.pen.size;
    this.#gauges[GAUGE.evicted] = this.#loop.pen.evicted;
    this.#gauges[GAUGE.puzzles] = this.#loop.puzzles.waiting;
    this.#gauges[GAUGE.ocspHits] = this.#loop.certificates.ocspHits;
    this.#gauges[GAUGE.stall] = Math.round(this.#stalls.longest * 1_000);
  }

  #onMessage(message: ToWorker): void {
    if (message.type === 'deploy') {
      this.#deploying = this.#deploying.then(() => this.#redeploy(message.deployment));
    } else if (message.type === 'watch') this.#outbox.watched = message.watched;
    else if (message.type === 'tickets') this.#loop.rotateTicketKeys(message.masters);
    else if (message.type === 'ocsp') this.#ocsp.settle(message.id, message.found);
    else if (message.type === 'staples') this.#loop.staple(message.staples);
    else if (message.type === 'drain') void this.#drain(message.timeoutMs);
    else {
      this.#stopAccepting();
      this.#loop.stop();
      void this.#drain(0);
    }
  }

  /** Large tables are taken in between the turns of the loop. */
  async #redeploy(deployment: Deployment): Promise<void> {
    const { epoch } = deployment;
    try {
      await this.#loop.engine.prepare(deployment.bundle);
      this.#deploy(deployment);
      this.#post({ type: 'deployed', epoch, error: null });
    } catch (error) {
      this.#post({ type: 'deployed', epoch, error: (error as Error).message });
    }
  }

  #fail(error: unknown): void {
    this.#post({
      type: 'failed',
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    void this.#drain(this.#task.config.limits.drainTimeout);
  }

  #stopAccepting(): void {
    for (const source of this.#sources.splice(0)) source.stop();
  }

  async #drain(timeoutMs: number): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    this.#stopAccepting();
    for (const service of this.#services) service.drain();
    await this.#loop.drain(timeoutMs);
    this.#finish();
  }
}

/** The task that the edge pool runs. */
export default function runEdgeWorker(task: WorkerTask): Promise<void> {
  return new EdgeWorker(task).run();
}
