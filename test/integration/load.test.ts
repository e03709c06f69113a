/** What an edge under load gives up first, and what its log leaves out. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import { captureHello, untilClosed } from '../support/hello.ts';
import { run, sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';

function policy(served: string): string {
  return `pdl 1
import "std/tls" as tls
score risk { clamp 0..100  signal odd +90 when hello.sni == "odd.test" }
policy served extends tls.intermediate { ${served} }
policy held extends served { action tarpit 1m  rank 9 }
policy gone extends served { action drop  rank 10 }
site main {
  listen edge  sni any  score risk
  pin holds when hello.sni == "held.test" use held
  pin drops when hello.sni == "dropped.test" use gone
  ladder { from 0 use served }  on_error use served
}
`;
}

interface HalfOpen {
  readonly socket: Socket;
  /** True once the edge answered with its part of the handshake, false once it closed. */
  readonly answered: Promise<boolean>;
}

/** A client that says its hello and nothing more. */
async function halfOpen(edge: TestEdge, servername: string): Promise<HalfOpen> {
  const socket = edge.connect();
  socket.write(await captureHello({ servername }));
  const answered = new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
  return { socket, answered };
}

async function count(clients: readonly HalfOpen[]): Promise<number> {
  const answers = await Promise.all(clients.map(({ answered }) => answered));
  return answers.filter(Boolean).length;
}

async function isServed({ port, ca }: TestEdge): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const served = await new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return served;
}

test('max_inflight of a policy holds over all workers', async (t) => {
  const edge = await startTestEdge(t, { policy: policy('handshake { max_inflight 4 }'), threads: 2 });
  const clients = await Promise.all(Array.from({ length: 10 }, () => halfOpen(edge, 'localhost')));
  assert.equal(await count(clients), 4);
  const { error, event } = await edge.line();
  assert.equal(event.action, 'over_capacity');
  assert.match(error.message!, /`max_inflight` of policy served/);
  for (const { socket } of clients) socket.destroy();
  await until('the places are free again', () => edge.lines().length === 10);
  assert.equal(await isServed(edge), true);
});

test('of new handshakes the worse are turned away first, and those under way stay', async (t) => {
  const edge = await startTestEdge(t, { policy: policy(''), limits: { handshakes: 10 }, threads: 2 });
  const good = await Promise.all(Array.from({ length: 6 }, () => halfOpen(edge, 'localhost')));
  assert.equal(await count(good), 6);
  assert.equal(await count([await halfOpen(edge, 'odd.test')]), 0);
  assert.match((await edge.line()).error.message!, /`limits.handshakes` leaves no room/);
  const late = await Promise.all(Array.from({ length: 6 }, () => halfOpen(edge, 'localhost')));
  assert.equal(await count(late), 4);
  for (const { socket } of [...good, ...late]) socket.destroy();
});

test('while many handshakes are under way, OpenSSL and curl are served by their score', async (t) => {
  const edge = await startTestEdge(t, { policy: policy(''), limits: { handshakes: 10 } });
  const many = await Promise.all(Array.from({ length: 6 }, () => halfOpen(edge, 'localhost')));
  assert.equal(await count(many), 6);
  const curl = (name: string) =>
    run('curl', [
      '-skm5',
      '-o/dev/null',
      '--resolve',
      `${name}:${edge.port}:127.0.0.1`,
      `https://${name}:${edge.port}/`,
    ]);
  assert.doesNotMatch((await sClient(edge.port, '-servername', 'odd.test')).stdout, /Cipher is TLS_/);
  assert.notEqual((await curl('odd.test')).code, 0);
  assert.match((await sClient(edge.port, '-servername', 'localhost')).stdout, /Cipher is TLS_/);
  assert.equal((await curl('localhost')).code, 0);
  for (const { socket } of many) socket.destroy();
  await until('the places are free again', () => edge.open() === 0);
  assert.equal((await curl('odd.test')).code, 0);
});

async function hold(edge: TestEdge, servername: string): Promise<Socket> {
  const hello = await captureHello({ servername });
  const socket = edge.connect();
  await once(socket, 'ready');
  socket.write(hello);
  return socket;
}

for (const name of ['held.test', 'dropped.test']) {
  test(`the clients of ${name} make room for others when connections grow scarce`, async (t) => {
    const limits = { connections: 20, tarpits: 100 };
    const edge = await startTestEdge(t, { policy: policy(''), limits });
    const sockets: Socket[] = [];
    for (let i = 0; i < 17; i++) sockets.push(await hold(edge, name));
    await until('they are held', () => edge.open() === 17);
    const idle = connect({ port: edge.port, host: '127.0.0.1', servername: 'localhost', ca: edge.ca });
    await once(idle, 'secureConnect');
    const oldest = untilClosed(sockets[0]!);
    const late = untilClosed(await hold(edge, name));
    assert.equal((await oldest).reset, true);
    assert.equal((await late).reset, true, 'nobody is held any longer');
    assert.equal(await isServed(edge), true);
    idle.destroy();
    await edge.line(({ error }) => error.message === 'hold ended: evicted');
  });
}

async function auditedAfter(t: TestContext, log: string): Promise<string[]> {
  const edge = await startTestEdge(t, { policy: policy(log), metrics: true });
  assert.equal(await isServed(edge), true);
  const socket = await hold(edge, 'dropped.test');
  await until('it is held', () => edge.open() === 1);
  socket.destroy();
  await edge.line(({ event }) => event.action === 'dropped');
  await until('all have ended', () => edge.open() === 0);
  await edge.edge.stop();
  return edge.lines().map(({ event }) => event.action);
}

test('a policy that logs violations leaves out who was served', async (t) => {
  assert.deepEqual(await auditedAfter(t, 'log violations'), ['dropped']);
});

test('a policy that logs nothing still leaves a line of who was turned away', async (t) => {
  assert.deepEqual(await auditedAfter(t, 'log none'), ['dropped']);
});

test('a policy that does not say what it logs leaves a line of everybody', async (t) => {
  assert.deepEqual(await auditedAfter(t, ''), ['served', 'dropped']);
});
