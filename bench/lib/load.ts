/** Starts the load client and reads its report. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface LoadRequest {
  /**
   * `handshake` and `refusal`: `count` connections by `concurrency` clients. `rate`: `perSecond` handshakes
   * begun each second. `hold`: `count` connections kept open. These two run until they are stopped. `silent`: `count`
   * connections, `perSecond` of them begun each second, that send `hello` and nothing more until the server closes.
   */
  readonly mode: 'handshake' | 'refusal' | 'rate' | 'hold' | 'silent';
  readonly port: number;
  readonly servername: string;
  readonly count: number;
  readonly concurrency: number;
  readonly perSecond: number;
  /** What `refusal` and `silent` send, in base64. */
  readonly hello: string;
  /** What `refusal` sends once the server has answered, in base64; empty: nothing. */
  readonly second: string;
}

export interface LoadReport {
  /** Handshakes done, or connections the server closed. */
  done: number;
  failed: number;
  /** Held connections that the server ended. */
  lost: number;
  /** How often each error ended a connection. */
  errors: Record<string, number>;
  /** Milliseconds from connect to the end of the handshake, or to the close. */
  latencies: number[];
}

const DEFAULTS = { servername: 'bench.test', count: 0, concurrency: 16, perSecond: 0, hello: '', second: '' };

export interface RunningLoad {
  readonly child: ChildProcess;
  readonly report: Promise<LoadReport>;
  /** Ends a load without a count of its own; `report` follows. */
  stop(): void;
  /** Resolves once a `hold` has all its connections. */
  readonly holding: Promise<void>;
}

export function startLoad(request: Pick<LoadRequest, 'mode' | 'port'> & Partial<LoadRequest>): RunningLoad {
  const script = fileURLToPath(new URL('./load-client.ts', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify({ ...DEFAULTS, ...request })], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const errors: string[] = [];
  const { promise: holding, resolve } = Promise.withResolvers<void>();
  child.stderr.setEncoding('utf8').on('data', (line: string) => {
    if (line.includes('holding\n')) resolve();
    else errors.push(line);
  });
  const report = text(child.stdout).then((output) => {
    if (output === '') throw new Error(`the load client failed: ${errors.join('')}`);
    return JSON.parse(output) as LoadReport;
  });
  return { child, report, holding, stop: () => child.stdin.end() };
}

/** Runs a load with a count to its end. */
export async function runLoad(
  request: Pick<LoadRequest, 'mode' | 'port' | 'count'> & Partial<LoadRequest>,
): Promise<LoadReport> {
  const { child, report } = startLoad(request);
  const [result] = await Promise.all([report, once(child, 'exit')]);
  return result;
}
