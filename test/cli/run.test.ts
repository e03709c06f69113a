import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { Agent, request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { verifyAuditLog } from '../../src/audit/verify.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let directory: string;
let edge: ChildProcess;
let output = '';
let port = 0;
let metricsPort = 0;
let adminPort = 0;

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: free } = server.address() as AddressInfo;
  server.close();
  return free;
}

function startDemo(addresses: readonly string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, 'run', '--demo', '--threads', '2', ...addresses], { cwd: directory });
}

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-run-'));
  [metricsPort, adminPort] = [await freePort(), await freePort()];
  edge = startDemo([
    '--listen',
    '127.0.0.1:0',
    '--metrics-address',
    `127.0.0.1:${metricsPort}`,
    '--admin-address',
    `127.0.0.1:${adminPort}`,
  ]);
  edge.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  edge.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  for (let tries = 0; tries < 300 && !output.includes('Ctrl-C stops it'); tries++) {
    if (edge.exitCode !== null) break;
    await sleep(50);
  }
  port = Number(/serves https:\/\/127\.0\.0\.1:(\d+)\//.exec(output)?.[1]);
  assert.ok(port > 0, output);
});
after(() => {
  edge.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

function get(localAddress: string): Promise<Answer> {
  const ca = readFileSync(join(directory, '.sallyport/ca.pem'));
  const agent = new Agent({ ALPNProtocols: ['http/1.1'] });
  const headers = { accept: 'text/html' };
  const options = {
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    path: '/',
    localAddress,
    ca,
    agent,
    headers,
  };
  return new Promise((resolve, reject) => {
    request(options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body }));
    })
      .on('error', reject)
      .end();
  });
}

async function auditLines(): Promise<Record<string, { [key: string]: unknown }>[]> {
  await sleep(200);
  return readFileSync(join(directory, '.sallyport/audit.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('an ordinary client ends in low and reaches the upstream with its score', async () => {
  const { status, body } = await get('127.0.0.1');
  assert.equal(status, 200);
  assert.match(body, /X-Sallyport-Policy<\/th><td>low</);
  assert.match(body, /X-Sallyport-Score<\/th><td>0</);
});

test('an ordinary client is served over HTTP/2 as well', async () => {
  const ca = readFileSync(join(directory, '.sallyport/ca.pem'));
  const session = connect(`https://127.0.0.1:${port}`, { ca, servername: 'localhost' });
  try {
    const stream = session.request({ ':path': '/' });
    stream.setTimeout(5_000, () => stream.destroy(new Error('no answer over HTTP/2')));
    const [headers] = await once(stream, 'response');
    assert.equal(headers[':status'], 200);
  } finally {
    session.destroy();
  }
});

test('a listed client ends in medium and gets a puzzle', async () => {
  const { status, body } = await get('127.0.0.2');
  assert.notEqual(status, 200);
  assert.match(body, /<html/i);
  assert.doesNotMatch(body, /This is the upstream/);
});

test('a listed tool ends in high and is refused before TLS', async (t) => {
  const command = /openssl (s_client .*) <\/dev\/null/.exec(output)![1]!;
  if (spawnSync('openssl', ['version']).status !== 0) return t.skip('no openssl command here');
  const { stdout, stderr } = spawnSync('openssl', command.split(' '), { input: '', encoding: 'utf8' });
  assert.match(stdout + stderr, /no peer certificate available/);
  const line = (await auditLines()).at(-1)!;
  assert.equal(line.rule!.name, 'high');
  assert.equal(line.event!.action, 'refused');
  assert.equal(line.risk!.calculated_score, 100);
});

test('the edge is ready, and its metrics count the decisions', async () => {
  assert.equal((await fetch(`http://127.0.0.1:${metricsPort}/ready`)).status, 200);
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  assert.match(
    metrics,
    /sallyport_decisions_total\{site="default",policy="low",action="accept",tier="ladder"\} [1-9]/,
  );
});

test('a reload puts a changed policy in force, and a broken one changes nothing', async () => {
  const policy = join(directory, '.sallyport/policy.pdl');
  const text = readFileSync(policy, 'utf8');
  const reload = (): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [
      MAIN,
      'reload',
      '--admin-address',
      `127.0.0.1:${adminPort}`,
      '--token-file',
      join(directory, '.sallyport/admin.token'),
    ]);
  writeFileSync(policy, `${text}\nnonsense\n`);
  const refused = reload();
  assert.equal(refused.status, 1);
  assert.equal(JSON.parse(String(refused.stdout).split('\n')[0]!).severity, 'error');
  assert.equal((await get('127.0.0.1')).status, 200);
  writeFileSync(policy, text.replace('from 51 use medium', 'from 30 use medium'));
  const { status, stdout } = reload();
  assert.equal(status, 0, String(stdout));
  assert.deepEqual(Object.keys(JSON.parse(String(stdout))), ['ok', 'imageId', 'epoch']);
  writeFileSync(policy, text);
  assert.equal(reload().status, 0);
});

test('a taken port is named in one line, and the exit code is 1', async () => {
  const [metrics, admin] = [await freePort(), await freePort()];
  const second = startDemo([
    '--listen',
    `127.0.0.1:${metricsPort}`,
    '--metrics-address',
    `127.0.0.1:${metrics}`,
    '--admin-address',
    `127.0.0.1:${admin}`,
  ]);
  let errors = '';
  second.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const [code] = await once(second, 'exit');
  assert.equal(code, 1);
  const message = errors.split('\n').filter((line) => line.startsWith('sallyport:'));
  assert.equal(message.length, 1, errors);
  assert.match(message[0]!, new RegExp(`127\\.0\\.0\\.1:${metricsPort} is already in use`));
});

test('Ctrl-C stops it cleanly, with the audit chain intact', async () => {
  const ended = once(edge, 'exit');
  edge.kill('SIGINT');
  const [code, signal] = await ended;
  assert.deepEqual([code, signal], [0, null], output);
  const audit = join(directory, '.sallyport/audit.jsonl');
  assert.ok(existsSync(audit));
  const { brokenAt, lost, lines } = await verifyAuditLog(audit);
  assert.deepEqual([brokenAt, lost], [null, 0]);
  assert.ok(lines >= 3);
});
