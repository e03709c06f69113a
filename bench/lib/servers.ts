/** The edge and its peers, each started as a process of its own on a free port of the loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { Bundle } from '../../src/orchestrator/bundle.ts';
import { compilePolicyFile } from '../../src/orchestrator/compile-policy.ts';
import { makeCertificate } from '../../test/support/certificate.ts';

export const SERVED_NAME = 'bench.test';
export const REFUSED_NAME = 'refused.test';

/** Scores every client; the handshakes counted are `tls.modern`, one name is refused. */
const POLICY = `pdl 1
import "std/tls" as tls
counter hellos_by_ip per conn.ip (v4 32, v6 64) window 10s of hello
score risk {
  clamp 0..100
  group shape cap 50 {
    signal no_sni   +30 when unknown hello.sni
    signal no_alpn  +20 when count(hello.alpn) == 0
  }
  group pace cap 10 { signal hello_burst +0..10 ramp rate(hellos_by_ip) from 10/s to 1000/s }
}
policy low     extends tls.modern { log none }
policy refused extends low        { action refuse alert access_denied  rank 90 }
site default { listen edge  sni any                 score risk  ladder { from 0 use low  from 91 use refused }  on_error use refused }
site refused { listen edge  sni { "${REFUSED_NAME}" } score risk  ladder { from 0 use refused }  on_error use refused }
`;

/** A list of a million prefixes is read before the edge listens. */
const START_PATIENCE_MS = 120_000;

/** A folder with a certificate (ECDSA P-256) that is removed at the end. */
export interface Workplace {
  readonly folder: string;
  readonly file: (name: string) => string;
  readonly write: (name: string, content: string | Uint8Array) => string;
  readonly remove: () => void;
}

export async function makeWorkplace(): Promise<Workplace> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  const file = (name: string): string => join(folder, name);
  const write = (name: string, content: string | Uint8Array): string => {
    writeFileSync(file(name), content, { mode: 0o600 });
    return file(name);
  };
  const { certificate, key } = await makeCertificate({ names: [SERVED_NAME, REFUSED_NAME] });
  write('cert.pem', certificate);
  write('key.pem', key);
  write('both.pem', `${certificate}\n${key}\n`);
  write('policy.pdl', POLICY);
  return { folder, file, write, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The workplace's policy as the decision core takes it. @throws Error when it does not compile. */
export async function compileBenchPolicy(): Promise<Bundle> {
  const place = await makeWorkplace();
  const { bundle, diagnostics } = compilePolicyFile({
    path: place.file('policy.pdl'),
    host: null,
    purpose: 'check',
    env: process.env,
  });
  place.remove();
  if (bundle === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return bundle;
}

export interface Server {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** @throws Error with what the server printed, when it does not listen in time. */
async function start(
  place: Workplace,
  name: string,
  port: number,
  command: string,
  args: readonly string[],
): Promise<Server> {
  const log = place.file(`${name}.log`);
  const output = openSync(log, 'a');
  const child = spawn(command, [...args], { cwd: place.folder, stdio: ['ignore', output, output] });
  closeSync(output);
  let failure: Error | null = null;
  child.once('error', (error) => {
    failure = error;
  });
  for (const until = Date.now() + START_PATIENCE_MS; !(await accepts(port)); await delay(50)) {
    if (failure === null && child.exitCode === null && Date.now() < until) continue;
    child.kill('SIGKILL');
    throw new Error(`${name} does not listen: ${failure ?? ''}${readFileSync(log, 'utf8')}`);
  }
  return {
    name,
    port,
    pid: child.pid!,
    child,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export interface EdgeOptions {
  readonly threads: number;
  /** The audit log's file in the workplace; null: none. */
  readonly audit?: string | null;
  /** Further settings of the top level. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Address of metrics; null or absent: none. */
  readonly metrics?: string | null;
  /** More of `limits`. */
  readonly limits?: Readonly<Record<string, number | string>>;
  /** The script to start instead of the command line, which then gets the configuration's path. */
  readonly script?: URL;
  /** Flags of Node. */
  readonly nodeFlags?: readonly string[];
}

export async function startSallyport(place: Workplace, options: EdgeOptions): Promise<Server> {
  const port = await freePort();
  const config = place.write(
    'sallyport.yaml',
    stringify({
      version: 1,
      policy: 'policy.pdl',
      threads: options.threads,
      listeners: [{ name: 'edge', address: `127.0.0.1:${port}`, certificates: ['default'], upstream: 'app' }],
      certificates: { default: { certificate: 'cert.pem', key: 'key.pem' } },
      upstreams: { app: { protocol: 'http', url: `http://127.0.0.1:${await freePort()}` } },
      // why: held connections send no request, which would end them within the usual times.
      limits: { headerTimeout: '5m', requestTimeout: '5m', idleTimeout: '5m', ...options.limits },
      admin: false,
      metrics: options.metrics ? { address: options.metrics } : false,
      audit: options.audit ? { file: options.audit } : false,
      log: { level: 'warn' },
      ...options.config,
    }),
  );
  const cli = fileURLToPath(options.script ?? new URL('../../src/cli/main.ts', import.meta.url));
  const args = options.script ? [cli, config] : [cli, 'run', '--config', config];
  return start(place, 'sallyport', port, process.execPath, [...(options.nodeFlags ?? []), ...args]);
}

/** The least a Node program does to end TLS: no HTTP, nothing decided. */
export function startNodeTls(place: Workplace): Promise<Server> {
  const listener = "(socket) => socket.on('error', () => {}).resume()";
  return startNode(place, 'tls', listener);
}

/** The least that a Node program does to serve HTTPS, as the edge is ready to once a handshake is done. */
export function startNodeHttps(place: Workplace): Promise<Server> {
  return startNode(place, 'https', '(request, response) => response.end()');
}

async function startNode(place: Workplace, module: 'tls' | 'https', listener: string): Promise<Server> {
  const port = await freePort();
  const script = place.write(
    `node-${module}.mjs`,
    `import { readFileSync } from 'node:fs';
import { createServer } from 'node:${module}';
createServer({ cert: readFileSync('cert.pem'), key: readFileSync('key.pem'), noDelay: true }, ${listener})
  .on('tlsClientError', () => {}).listen({ port: ${port}, host: '127.0.0.1', backlog: 1024 });
`,
  );
  return start(place, `node-${module}`, port, process.execPath, [script]);
}

function haproxyConfig(threads: number, frontend: string): string {
  return `global
  nbthread ${threads}
  maxconn 4000
defaults
  mode tcp
  timeout client 1h
  timeout server 1h
  timeout connect 5s
${frontend}`;
}

/** HAProxy ends TLS and inspects nothing. */
export async function startHaproxy(place: Workplace, threads: number): Promise<Server> {
  const port = await freePort();
  const frontend = `frontend edge
  mode http
  bind 127.0.0.1:${port} ssl crt ${place.file('both.pem')} ssl-min-ver TLSv1.3
`;
  const file = place.write('haproxy.cfg', haproxyConfig(threads, frontend));
  return start(place, 'haproxy', port, 'haproxy', ['-db', '-f', file]);
}

const REJECTS: Readonly<Record<'content' | 'connection', string>> = {
  content: `tcp-request inspect-delay 5s
  tcp-request content reject if { req.ssl_sni -i ${REFUSED_NAME} }
  tcp-request content accept if { req.ssl_hello_type 1 }`,
  connection: 'tcp-request connection reject if { src 127.0.0.0/8 }',
};

/** HAProxy reads the ClientHello and rejects a name, or rejects an address, without ending TLS. */
export async function startHaproxyReject(
  place: Workplace,
  threads: number,
  by: keyof typeof REJECTS,
): Promise<Server> {
  const port = await freePort();
  const name = `haproxy-reject-${by}`;
  const frontend = `frontend edge
  bind 127.0.0.1:${port}
  ${REJECTS[by]}
`;
  const file = place.write(`${name}.cfg`, haproxyConfig(threads, frontend));
  return start(place, name, port, 'haproxy', ['-db', '-f', file]);
}
