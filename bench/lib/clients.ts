/** Builds and starts the clients of bench/native/clients.c, a process of their own each time. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { pin } from './cores.ts';
import type { Workplace } from './servers.ts';

export interface ClientsRequest {
  /**
   * `silent`: connects and sends nothing. `drip`: a byte of `hello` every `everyMs`. `send`: all of `hello`, then
   * nothing. `abort`: breaks off at each of ten points in turn. `good`: handshakes until it is stopped.
   */
  readonly mode: 'silent' | 'drip' | 'send' | 'abort' | 'good';
  readonly port: number;
  readonly count: number;
  /** Connections begun each second; 0: as fast as they come. */
  readonly perSecond: number;
  /** Most of them open. */
  readonly atOnce: number;
  readonly everyMs: number;
  readonly hello: Uint8Array;
  readonly servername: string;
}

export interface ClientsReport {
  /** Connections that could be opened. */
  readonly opened: number;
  /** Those that the edge closed, and in how many milliseconds, counted from connect. */
  readonly closed: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly failed: number;
  /** Processor time of the clients. */
  readonly cpuMs: number;
  /** Milliseconds from connect to the end of the handshake, of good ones. */
  readonly latencies: readonly number[];
}

export interface RunningClients {
  readonly child: ChildProcess;
  /** Once all connections are open. */
  readonly open: Promise<void>;
  readonly report: Promise<ClientsReport>;
  /** Ends good clients. */
  stop(): void;
}

/** The core that clients keep to, so that what they take is taken of one alone. */
const CORE = 1;

const DEFAULTS = {
  count: 1e9,
  perSecond: 0,
  atOnce: 1e9,
  everyMs: 0,
  hello: new Uint8Array(),
  servername: 'bench.test',
};

export class Clients {
  readonly #place: Workplace;
  readonly #program: string;
  #started = 0;

  /** @throws Error when gcc or OpenSSL's headers (Debian: gcc, libssl-dev) are missing. */
  constructor(place: Workplace) {
    this.#place = place;
    this.#program = place.file('clients');
    const source = fileURLToPath(new URL('../native/clients.c', import.meta.url));
    execFileSync('gcc', ['-O2', '-o', this.#program, source, '-lssl', '-lcrypto']);
  }

  start(request: Pick<ClientsRequest, 'mode' | 'port'> & Partial<ClientsRequest>): RunningClients {
    const { mode, port, count, perSecond, atOnce, everyMs, hello, servername } = { ...DEFAULTS, ...request };
    const file = this.#place.write(`hello-${this.#started++}`, hello);
    const args = [mode, port, count, perSecond, atOnce, everyMs, file, servername].map(String);
    const child = spawn(this.#program, args);
    pin(child.pid!, CORE);
    const { promise: open, resolve } = Promise.withResolvers<void>();
    const errors: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (line: string) => {
      if (line.includes('open\n')) resolve();
      else errors.push(line);
    });
    const report = text(child.stdout).then((output) => {
      resolve();
      if (output === '') throw new Error(`the clients failed: ${errors.join('')}`);
      return JSON.parse(output) as ClientsReport;
    });
    return { child, open, report, stop: () => child.stdin.end() };
  }
}
