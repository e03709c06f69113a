import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeCertificate } from '../support/certificate.ts';
import { ACTIONS_POLICY, TEST_NAMES } from '../support/edge.ts';
import { run, sClient } from '../support/tools.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const START = `
import { createEdge } from './src/index.ts';
import { createServer } from 'node:http';
const upstream = createServer((request, response) => response.end(JSON.stringify(request.headers)));
await new Promise((resolve) => upstream.listen(0, '127.0.0.1', resolve));
const edge = await createEdge({
  logLevel: 'silent',
  config: {
    version: 1, policy: 'policy.pdl', threads: 2, admin: false, metrics: false, audit: { file: 'audit.jsonl' },
    listeners: [{ name: 'edge', address: '127.0.0.1:0', certificates: ['default'], upstream: 'app',
      proxyProtocol: { from: ['127.0.0.1/32'], require: false } }],
    certificates: { default: { certificate: 'cert.pem', key: 'key.pem' } },
    upstreams: { app: { protocol: 'http', url: 'http://127.0.0.1:' + upstream.address().port } },
  },
});
console.log(edge.addresses[0].port);
`;

/** Prints what the edge refuses to start for. */
const ASKING = `(process.on('uncaughtException', ({ diagnostics }) => {
  for (const { code, message } of diagnostics) console.error(code, message);
  process.exit(1);
}), createEdge)({`;

interface Line {
  readonly event: { readonly action: string };
  readonly rule: { readonly name: string | null };
  readonly sallyport: { readonly syn: string | null; readonly worker: number };
}

let directory: string;
let child: ChildProcess;
let port: string;

/** A copy of the sources beside which no addon was built, as after an install without a compiler. */
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-bare-'));
  for (const name of ['src', 'policies', 'profiles', 'package.json'])
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  const pair = await makeCertificate({ names: TEST_NAMES });
  writeFileSync(join(directory, 'cert.pem'), pair.certificate);
  writeFileSync(join(directory, 'key.pem'), pair.key);
  writeFileSync(join(directory, 'policy.pdl'), ACTIONS_POLICY);
  writeFileSync(join(directory, 'blocked.txt'), '');
  writeFileSync(join(directory, 'start.ts'), START);
  child = spawn(process.execPath, ['start.ts'], {
    cwd: directory,
    env: { ...process.env, SALLYPORT_TEST_PUZZLE_KEY: 'an example key that is long enough' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed] = (await once(child.stdout!, 'data')) as [Buffer];
  port = printed.toString().trim();
});

after(() => {
  child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function line(action: string): Promise<Line> {
  for (const start = Date.now(); Date.now() - start < 10_000; await delay(20)) {
    const lines = readFileSync(join(directory, 'audit.jsonl'), 'utf8').split('\n').filter(Boolean);
    const found = lines.map((text) => JSON.parse(text) as Line).find(({ event }) => event.action === action);
    if (found) return found;
  }
  throw new Error(`no line says ${action}`);
}

test('without the addon version says so', () => {
  const { stdout } = spawnSync(process.execPath, ['src/cli/main.ts', 'version', '--format', 'json'], {
    cwd: directory,
    encoding: 'utf8',
  });
  assert.equal((JSON.parse(stdout) as { addon: boolean }).addon, false);
});

test('without the addon clients are decided and served as ever, and only the SYN is unknown', async () => {
  const { stdout } = await run('curl', [
    '--silent',
    '--cacert',
    join(directory, 'cert.pem'),
    `https://localhost:${port}/`,
  ]);
  assert.match(stdout, /"x-sallyport-policy":"served"/);
  const served = await line('served');
  assert.equal(served.rule.name, 'served');
  assert.equal(served.sallyport.syn, null);
});

test('without the addon a refusal is the same alert', async () => {
  const { stderr } = await sClient(port, '-servername', 'refused.test');
  assert.match(stderr, /alert access denied/);
  assert.equal((await line('refused')).rule.name, 'refused');
});

test('without the addon a PROXY header is taken off, and the hello behind it is decided', async () => {
  const { stdout } = await run('curl', [
    ...['--silent', '--haproxy-protocol', '--cacert', join(directory, 'cert.pem')],
    `https://localhost:${port}/`,
  ]);
  assert.match(stdout, /"x-sallyport-policy":"served"/);
});

test('without the addon a policy that asks for client certificates is refused, and says what is missing', () => {
  const policy = `pdl 1
import "std/tls" as tls
ca partner from file "cert.pem"
score none { clamp 0..100 }
policy asked extends tls.intermediate { client_cert require { trust [ partner ] } tls { ocsp_stapling on } }
site main { listen edge  sni any  score none  ladder { from 0 use asked }  on_error use asked }
`;
  writeFileSync(join(directory, 'asking.pdl'), policy);
  writeFileSync(
    join(directory, 'asking.ts'),
    START.replace('policy.pdl', 'asking.pdl').replace('createEdge({', ASKING),
  );
  const { status, stderr } = spawnSync(process.execPath, ['asking.ts'], { cwd: directory, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /HOST-008 policy asked asks for client certificates, which takes the native addon/);
  assert.match(stderr, /HOST-009 policy asked staples OCSP answers/);
});
