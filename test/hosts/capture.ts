/** The SYN and the ClientHello of real clients that are installed here, as they connect to the loopback. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { loadAddon } from '../../src/edge/addon.ts';

export interface Capture {
  readonly name: string;
  readonly syn: Uint8Array;
  readonly hello: Uint8Array;
}

/** Starts a client against a port of the host; the returned function ends it. */
type Client = (host: string, port: number) => () => void;

const HOSTS = ['127.0.0.1', '::1'] as const;
const CAPTURE_MS = 20_000;
const PEEK_MS = 5;

function program(command: string, args: (authority: string) => readonly string[]): Client {
  return (host, port) => {
    const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const child = spawn(command, args(authority), { stdio: ['pipe', 'ignore', 'ignore'] });
    child.on('error', () => {});
    return () => child.kill('SIGKILL');
  };
}

const openssl = (...args: string[]): Client =>
  program('openssl', (authority) => ['s_client', '-connect', authority, ...args]);

const curl = (...args: string[]): Client =>
  program('curl', (authority) => [
    ...['-sk', '--max-time', '5', '--connect-to', `shop.example:443:${authority}`],
    ...[...args, 'https://shop.example/'],
  ]);

const node =
  (options: ConnectionOptions): Client =>
  (host, port) => {
    const socket = connect({ host, port, rejectUnauthorized: false, ...options });
    socket.on('error', () => {});
    return () => socket.destroy();
  };

const browser =
  (command: string, args: (profile: string, port: number) => readonly string[]): Client =>
  (host, port) => {
    const profile = mkdtempSync(join(tmpdir(), 'sallyport-capture-'));
    const stop = program(command, () => args(profile, port))(host, port);
    return () => {
      stop();
      setTimeout(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }), 500);
    };
  };

const chromium = browser('chromium', (profile, port) => [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--disable-quic', `--user-data-dir=${profile}`],
  ...[`--host-resolver-rules=MAP shop.example 127.0.0.1:${port}`, 'https://shop.example/'],
]);

const firefox = browser('firefox-esr', (profile, port) => [
  ...['--headless', '--no-remote', '--profile', profile, `https://localhost:${port}/`],
]);

/** What is captured, by name; the index chooses the host. */
const CLIENTS: readonly (readonly [name: string, host: 0 | 1, client: Client])[] = [
  ['openssl-default', 0, openssl('-servername', 'shop.example')],
  ['openssl-no-sni', 0, openssl('-noservername')],
  ['openssl-tls12', 1, openssl('-tls1_2', '-servername', 'shop.example', '-alpn', 'http/1.1')],
  ['openssl-null-cipher', 0, openssl('-tls1_2', '-noservername', '-cipher', 'ALL:NULL-SHA256:@SECLEVEL=0')],
  ['openssl-minimal', 0, openssl('-tls1_3', '-ciphersuites', 'TLS_AES_128_GCM_SHA256', '-groups', 'P-256')],
  ['curl-h2', 0, curl('--http2')],
  ['curl-http11-v6', 1, curl('--http1.1')],
  ['curl-tls12', 0, curl('--tls-max', '1.2', '--no-alpn')],
  ['node-default', 0, node({ servername: 'shop.example', ALPNProtocols: ['h2', 'http/1.1'] })],
  ['node-trap', 0, node({ servername: 'a.trap.example' })],
  ['node-internal', 1, node({ servername: 'build.internal.example', ecdhCurve: 'X25519' })],
  ['node-post-quantum', 1, node({ servername: 'shop.example', ecdhCurve: 'X25519MLKEM768:X25519' })],
  ['chromium', 0, chromium],
  ['firefox', 0, firefox],
];

/** Captures every client that is installed; `onMissing` is told of the others. @throws Error without the addon. */
export async function captureClients(onMissing: (name: string) => void): Promise<Capture[]> {
  const captures: Capture[] = [];
  for (const [name, host, client] of CLIENTS) {
    const capture = await captureOne(name, HOSTS[host], client);
    if (capture === null) onMissing(name);
    else captures.push(capture);
  }
  return captures;
}

/** Null when no ClientHello came in time. */
async function captureOne(name: string, host: string, client: Client): Promise<Capture | null> {
  const { addon, reason } = loadAddon();
  if (addon === null) throw new Error(`capturing SYNs needs the addon: ${reason}`);
  const core = new Core(loadCoreModule());
  const options = { backlog: 16, reusePort: false, saveSyn: true, deferAcceptSeconds: 0 };
  const listener = addon.listen({ host, port: 0, ...options });
  const { promise, resolve } = Promise.withResolvers<Capture | null>();
  const open: number[] = [];
  const watches: NodeJS.Timeout[] = [];
  const acceptor = addon.accept(
    listener,
    { batch: 16, peekBytes: 1 },
    (batch) => {
      for (let i = 0; i < batch.count; i++) {
        const syn = batch.syn(i);
        const fd = batch.take(i);
        open.push(fd);
        const into = new Uint8Array(65_536);
        const watch = setInterval(() => {
          const length = addon.peek(fd, into);
          if (length <= 0 || core.parse(into, 0, length, 'records', 'tls') !== 0) return;
          resolve({ name, syn: syn ?? new Uint8Array(), hello: into.slice(0, core.hello.consumed) });
        }, PEEK_MS);
        watches.push(watch);
      }
    },
    () => resolve(null),
  );
  const stop = client(host, addon.boundPort(listener));
  const late = setTimeout(() => resolve(null), CAPTURE_MS);
  const capture = await promise;
  stop();
  clearTimeout(late);
  for (const watch of watches) clearInterval(watch);
  for (const fd of open) addon.close(fd);
  acceptor.close();
  return capture;
}
