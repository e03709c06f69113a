/** Clients that hold on to a connection without using it, or break it off. `bench/floods.ts` does the same by the thousand. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { ABORT_POINTS } from '../support/abort-points.ts';
import { startTestEdge } from '../support/edge.ts';
import { captureHello, untilClosed } from '../support/hello.ts';
import { sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';

const SHORT = { helloTimeout: '400ms', handshakeTimeout: '800ms' };

/** Milliseconds until the edge has closed it. */
async function closedAfter(socket: Parameters<typeof untilClosed>[0]): Promise<number> {
  const started = performance.now();
  await untilClosed(socket);
  return performance.now() - started;
}

test('silent and dripping clients are closed at the deadline of the hello, whatever they send', async (t) => {
  const edge = await startTestEdge(t, { limits: SHORT });
  const hello = await captureHello();
  const silent = Array.from({ length: 20 }, () => edge.connect());
  const dripping = Array.from({ length: 20 }, () => edge.connect());
  let at = 0;
  const drip = setInterval(() => {
    for (const socket of dripping) socket.write(hello.subarray(at, at + 1));
    at++;
  }, 20);
  const times = await Promise.all([...silent, ...dripping].map(closedAfter));
  clearInterval(drip);
  assert.ok(Math.min(...times) >= 350, `closed after ${Math.min(...times)} ms`);
  await until('all are recorded', () => edge.lines().length === 40);
  assert.ok(edge.lines().every(({ event }) => event.action === 'hello_timeout'));
  for (const { event } of edge.lines()) assert.ok(event.duration < 5_000e6, `${event.duration} ns`);
  assert.equal(edge.open(), 0);
});

test('half a handshake is closed at its deadline', async (t) => {
  const edge = await startTestEdge(t, { limits: SHORT });
  const hello = await captureHello();
  const sockets = Array.from({ length: 10 }, () => edge.connect());
  for (const socket of sockets) socket.write(hello);
  const times = await Promise.all(sockets.map(closedAfter));
  assert.ok(Math.min(...times) >= 600, `closed after ${Math.min(...times)} ms`);
  await until('all are recorded', () => edge.lines().length === 10);
  assert.ok(edge.lines().every(({ event }) => event.action === 'handshake_timeout'));
});

test('a client that breaks off at any point leaves nothing behind, and no one else notices', async (t) => {
  const edge = await startTestEdge(t);
  const target = { port: edge.port, servername: 'localhost', hello: await captureHello() };
  const points = Object.values(ABORT_POINTS);
  for (let round = 0; round < 5; round++) await Promise.all(points.map((abort) => abort(target)));
  await until('no connection is left', () => edge.open() === 0);
  // A connection that is reset before the edge accepts it is never one.
  assert.ok(edge.lines().length >= 5 * 8, `${edge.lines().length} lines`);
  const { stdout } = await sClient(edge.port, '-servername', 'localhost');
  assert.match(stdout, /Verification|Cipher is TLS_/);
});

/** Whole TLS records in `bytes`. */
function recordsIn(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at + 5 <= bytes.length; count++) {
    at += 5 + bytes.readUInt16BE(at + 3);
    if (at > bytes.length) break;
  }
  return count;
}

test('a reset that comes with the end of the handshake and half a request leaves nothing behind', async (t) => {
  const edge = await startTestEdge(t);
  // Holds back what follows the hello until the client has sent all, so that the edge reads it in one go.
  const hop = createServer((client) => {
    const server = edge.connect();
    client.on('error', () => {});
    server.on('error', () => {}).on('data', (bytes) => client.write(bytes));
    let rest: Buffer | null = null;
    client.on('data', (bytes: Buffer) => {
      if (rest === null) {
        rest = Buffer.alloc(0);
        return void server.write(bytes);
      }
      rest = Buffer.concat([rest, bytes]);
      // A change_cipher_spec, the client's Finished, the request.
      if (recordsIn(rest) < 3) return;
      server.write(rest);
      server.resetAndDestroy();
      client.destroy();
    });
  });
  hop.listen(0, '127.0.0.1');
  await once(hop, 'listening');
  t.after(() => hop.close());
  const { port } = hop.address() as AddressInfo;
  for (let turn = 0; turn < 5; turn++) {
    const client = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: edge.ca });
    client.on('error', () => {});
    client.write('GET / HTTP');
    await once(client, 'close');
  }
  await until('no connection is left', () => edge.lines().length === 5 && edge.open() === 0);
});

/** `openssl s_client` whose commands come from standard input; its output so far, and its exit code. */
function interactive(t: TestContext, port: number, ...args: readonly string[]) {
  const child = spawn('openssl', [
    's_client',
    '-connect',
    `127.0.0.1:${port}`,
    '-servername',
    'localhost',
    ...args,
  ]);
  t.after(() => child.kill('SIGKILL'));
  child.stdin.on('error', () => {});
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  return { child, output: () => output, closed: once(child, 'close') };
}

test('a flood of KeyUpdates without data is reset', async (t) => {
  const edge = await startTestEdge(t);
  const client = interactive(t, edge.port, '-tls1_3');
  await until('the handshake is done', () => client.output().includes('Cipher is'));
  const flood = setInterval(() => client.child.stdin.write('K\n'.repeat(50)), 1);
  await client.closed;
  clearInterval(flood);
  assert.equal((await edge.line()).event.action, 'tls_flood');
});

test('a client may not renegotiate', async (t) => {
  const edge = await startTestEdge(t);
  const client = interactive(t, edge.port, '-tls1_2');
  await until('the handshake is done', () => client.output().includes('Cipher is'));
  client.child.stdin.write('R\n');
  await client.closed;
  assert.match(client.output(), /no renegotiation/);
});

test('a client that only uploads, however slowly, is no flood', async (t) => {
  const edge = await startTestEdge(t);
  const chunk = Buffer.alloc(40_000, 'x');
  const h1 = request({
    port: edge.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: edge.ca,
    method: 'POST',
  });
  const session = connectHttp2(`https://localhost:${edge.port}`, { ca: edge.ca });
  const h2 = session.request({ ':method': 'POST', ':path': '/' });
  for (let i = 0; i < 12; i++) {
    h1.write(chunk);
    h2.write(chunk);
    await delay(200);
  }
  const statuses = [
    once(h1, 'response').then(([{ statusCode }]) => statusCode as number),
    once(h2, 'response').then(([headers]) => headers[':status'] as number),
  ];
  h1.end();
  h2.end();
  assert.deepEqual(await Promise.all(statuses), [200, 200]);
  session.destroy();
  h1.destroy();
});
