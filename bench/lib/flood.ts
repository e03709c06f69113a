/** Starts the flood client, a process of its own, and reads its report. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface FloodRequest {
  /**
   * `silent`: connects and sends nothing. `drip`: a byte of a hello every `everyMs`. `half`: a hello, then nothing.
   * `overlong`: announces a hello of `bytes` and sends as much. `abort`: breaks off at each of ten points in turn.
   */
  readonly mode: 'silent' | 'drip' | 'half' | 'overlong' | 'abort';
  readonly port: number;
  readonly servername: string;
  /** Connections in all; those of `abort` follow each other, `concurrency` at once. */
  readonly count: number;
  readonly concurrency: number;
  readonly everyMs: number;
  readonly bytes: number;
}

export interface FloodReport {
  /** Connections that could be opened. */
  opened: number;
  /** Those that the edge closed, and in how many milliseconds, counted from connect. */
  closed: number;
  firstMs: number;
  lastMs: number;
}

export interface Flood {
  /** Once all connections are open. */
  readonly open: Promise<void>;
  readonly report: Promise<FloodReport>;
}

const DEFAULTS = { servername: 'bench.test', concurrency: 64, everyMs: 500, bytes: 0 };

export function startFlood(
  request: Pick<FloodRequest, 'mode' | 'port' | 'count'> & Partial<FloodRequest>,
): Flood {
  const script = fileURLToPath(new URL('./flood-client.ts', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify({ ...DEFAULTS, ...request })]);
  const { promise: open, resolve } = Promise.withResolvers<void>();
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (line: string) => {
    if (line.includes('open\n')) resolve();
    else errors.push(line);
  });
  const report = text(child.stdout).then((output) => {
    resolve();
    if (output === '') throw new Error(`the flood client failed: ${errors.join('')}`);
    return JSON.parse(output) as FloodReport;
  });
  return { open, report };
}
