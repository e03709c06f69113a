/** A real HAProxy in front of edges. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { run } from './tools.ts';
import { until } from './until.ts';

/** One way through it. */
export interface Front {
  /** Port of the edge behind it. */
  readonly edge: number;
  /** Options of the server line, such as `send-proxy-v2`. */
  readonly send: string;
  /** Folder of `cert.pem` and `key.pem`, with which an HTTP proxy ends TLS and begins it anew; without it TCP is passed on. */
  readonly ends?: string;
}

/** A reason to skip when there is no HAProxy, else false. */
export async function missingHaproxy(): Promise<string | false> {
  const { code } = await run('haproxy', ['-v']);
  return code === 0 ? false : 'haproxy is not installed';
}

function listen(folder: string, { edge, send, ends }: Front, index: number, port: number): string {
  const target = `server edge 127.0.0.1:${edge} ${send}`;
  if (ends === undefined) return `listen front${index}\n  mode tcp\n  bind 127.0.0.1:${port}\n  ${target}\n`;
  const pem = join(folder, `front${index}.pem`);
  writeFileSync(
    pem,
    ['cert.pem', 'key.pem'].map((name) => readFileSync(join(ends, name), 'utf8')).join('\n'),
  );
  return `listen front${index}
  mode http
  option forwardfor
  option httpclose
  bind 127.0.0.1:${port} ssl crt ${pem} alpn h2,http/1.1
  ${target} ssl verify none sni str(localhost)
`;
}

/** Starts one process; resolves with the port of each front, once all are up. */
export async function startHaproxy(t: TestContext, fronts: readonly Front[]): Promise<readonly number[]> {
  const ports = await Promise.all(fronts.map(freePort));
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-haproxy-'));
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(
    file,
    `defaults
  timeout connect 5s
  timeout client 10s
  timeout server 10s
${fronts.map((front, index) => listen(folder, front, index, ports[index]!)).join('')}`,
  );
  const child: ChildProcess = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr!.on('data', (text) => {
    said += text;
  });
  t.after(() => {
    child.kill();
    rmSync(folder, { recursive: true });
  });
  await until('HAProxy listens', async () => {
    if (child.exitCode !== null) throw new Error(`HAProxy ended: ${said}`);
    return isUp(ports.at(-1)!);
  });
  return ports;
}

async function isUp(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const connected = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return connected;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
