/** What went over the wire, as tshark reads it: a witness that is not us. Captures on the loopback interface. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { missing, run } from './tools.ts';
import { type Frame, type Message, messagesOf } from './tshark-tree.ts';
import { until } from './until.ts';

/** One packet: the asked-for fields by name, each with all its values in order. */
export type Packet = Readonly<Record<string, readonly string[]>>;

export interface Capture {
  /** Takes secrets in the form of SSLKEYLOGFILE, so that what TLS 1.3 encrypts can be read. */
  keylog(line: Buffer | string): void;
  /** Ends the capture at the first call. Packets that `filter` (a display filter of Wireshark) lets through. */
  read(filter: string, fields: readonly string[]): Promise<readonly Packet[]>;
  /** Ends the capture at the first call. Every handshake message in its order, as far as the secrets are known. */
  messages(): Promise<readonly Message[]>;
}

/** The values of a field that occurs more than once in a packet. */
const BETWEEN_VALUES = '|';
/** For what a browser's visits come to. */
const PATIENCE_MS = 120_000;

/** A reason to skip when a tool is missing or this user may not capture, else false. */
export async function withoutCapture(): Promise<string | false> {
  const lacking = (await missing('tshark')) || (await missing('tcpdump'));
  if (lacking) return lacking;
  const { code } = await run('tcpdump', ['-i', 'lo', '-d', 'tcp']);
  return code === 0 ? false : 'this user may not capture on the loopback interface';
}

/** Captures what passes to and from a TCP port of this host; resolves once nothing more is missed. */
export async function startCapture(t: Pick<TestContext, 'after'>, port: number): Promise<Capture> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-capture-'));
  const file = join(directory, 'packets.pcap');
  const keys = join(directory, 'keys.log');
  writeFileSync(keys, '');
  const args = ['-i', 'lo', '--immediate-mode', '-U', '-Z', 'root', '-w', file, `port ${port}`];
  const tcpdump = spawn('tcpdump', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = once(tcpdump, 'close');
  let running = true;
  const stop = async (): Promise<void> => {
    if (!running) return;
    running = false;
    tcpdump.kill('SIGINT');
    await closed;
  };
  t.after(async () => {
    await stop();
    rmSync(directory, { recursive: true });
  });
  const lines = createInterface({ input: tcpdump.stderr });
  await once(lines, 'line');
  /** Packets are written in order, so what came before a datagram of our own is there once that is. */
  const settle = async (): Promise<void> => {
    const mark = randomBytes(16);
    const socket = createSocket('udp4');
    socket.send(mark, port, '127.0.0.1');
    await until('the capture has all', () => readFileSync(file).includes(mark));
    socket.close();
  };
  const tshark = async (filter: string, ...output: readonly string[]): Promise<string> => {
    if (running) await settle();
    await stop();
    const source = ['-r', file, '-o', `tls.keylog_file:${keys}`, '-d', `tcp.port==${port},tls`];
    const args = [...source, '-Y', filter, '-n', ...output];
    const { code, stdout, stderr } = await run('tshark', args, '', PATIENCE_MS);
    if (code !== 0) throw new Error(`tshark ended with ${code}: ${stderr}`);
    return stdout;
  };
  return {
    keylog: (line) => writeFileSync(keys, line, { flag: 'a' }),
    read: async (filter, fields) => {
      const form = ['-T', 'fields', '-E', `aggregator=${BETWEEN_VALUES}`, '-E', 'separator=/t'];
      const text = await tshark(filter, ...form, ...fields.flatMap((field) => ['-e', field]));
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const values = line.split('\t');
          const entries = fields.map((field, i) => {
            const value = values[i] ?? '';
            return [field, value === '' ? [] : value.split(BETWEEN_VALUES)] as const;
          });
          return Object.fromEntries(entries);
        });
    },
    messages: async () => {
      const form = ['-T', 'json', '-x', '--no-duplicate-keys', '-J', 'frame tcp tls'];
      const frames = JSON.parse(await tshark('tls.handshake', ...form)) as readonly Frame[];
      return frames.flatMap((frame) => messagesOf(frame, port));
    },
  };
}
