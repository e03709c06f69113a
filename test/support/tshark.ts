/** What went over the wire, as tshark reads it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { missing, run } from './tools.ts';
import { until } from './until.ts';

/** One handshake message. */
export interface Message {
  /** `client`: towards the captured port. */
  readonly from: 'client' | 'server';
  readonly type: number;
  readonly bytes: Buffer;
}

/** A reason to skip when the loopback cannot be captured, else false. */
export async function noCapture(): Promise<string | false> {
  const absent = await missing('tshark');
  if (absent !== false) return absent;
  const { stdout } = await run('tshark', ['-D']);
  return /\blo\b/.test(stdout) ? false : 'tshark may not capture here';
}

export class Capture {
  readonly #port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;
  /** One line for each packet that was captured. */
  #packets = '';

  private constructor(port: number, folder: string, child: ChildProcess) {
    this.#port = port;
    this.#folder = folder;
    this.#child = child;
    child.stdout!.on('data', (text) => {
      this.#packets += text;
    });
  }

  /** Captures a TCP port of the loopback. */
  static async start(t: TestContext, port: number): Promise<Capture> {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-capture-'));
    const args = ['-i', 'lo', '-f', `tcp port ${port}`, '-w', join(folder, 'wire.pcap'), '-P', '-l'];
    const child = spawn('tshark', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    t.after(() => {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    });
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    await until('tshark captures', () => said.includes('Capture started'));
    return new Capture(port, folder, child);
  }

  get #file(): string {
    return join(this.#folder, 'wire.pcap');
  }

  /** Ends the capture once it has the end of a connection. */
  async stop(): Promise<void> {
    await until('the connection’s end is captured', () => /\[(?:FIN|RST)/.test(this.#packets));
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGINT');
    await closed;
  }

  /** Every handshake message in its order, those under keys of `keyLog` (in NSS' form) too. */
  async messages(keyLog = ''): Promise<Message[]> {
    const keys = join(this.#folder, 'keys.log');
    writeFileSync(keys, keyLog);
    const { stdout } = await run('tshark', [
      ...['-r', this.#file, '-d', `tcp.port==${this.#port},tls`, '-o', `tls.keylog_file:${keys}`],
      ...['-Y', 'tls.handshake', '-T', 'jsonraw', '--no-duplicate-keys'],
    ]);
    const found: Message[] = [];
    for (const { _source } of JSON.parse(stdout) as { _source: { layers: Layers } }[]) {
      const { layers } = _source;
      const from = Number.parseInt(layers.tcp['tcp.dstport_raw'][0], 16) === this.#port ? 'client' : 'server';
      collect(layers.tls, (hex) => {
        const bytes = Buffer.from(hex, 'hex');
        found.push({ from, type: bytes[0]!, bytes });
      });
    }
    return found;
  }
}

interface Layers {
  readonly tcp: { readonly 'tcp.dstport_raw': readonly [string] };
  readonly tls: unknown;
}

/** Calls `take` with the hex of every handshake message in a layer. */
function collect(node: unknown, take: (hex: string) => void): void {
  if (Array.isArray(node)) {
    for (const each of node) collect(each, take);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === 'tls.handshake_raw') {
      const list = Array.isArray((value as unknown[])[0]) ? (value as unknown[]) : [value];
      for (const each of list) take((each as [string])[0]);
    } else collect(value, take);
  }
}
