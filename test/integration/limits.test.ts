/** Limits on every event that the language has, on a live edge. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import { captureHello, untilClosed } from '../support/hello.ts';
import { until } from '../support/until.ts';

function policy(limit: string, handshake = ''): string {
  return `pdl 1
import "std/tls" as tls
secret puzzle_key from env "SALLYPORT_TEST_PUZZLE_KEY"
challenge puzzle {
  kind pow  algorithm sha256_bits  difficulty 8  solve_within 30s
  clears for 1h per conn.ip  secret puzzle_key
}
limit few { ${limit} }
score none { clamp 0..100 }
policy served extends tls.intermediate { ${handshake} limits [ few ] }
policy puzzled extends served { challenge puzzle  rank 10 }
site main {
  listen edge  sni any  score none
  pin page when hello.sni == "puzzle.test" use puzzled
  ladder { from 0 use served }  on_error use served
}
`;
}

function start(t: TestContext, limit: string, threads = 0): Promise<TestEdge> {
  return startTestEdge(t, { policy: policy(limit), threads });
}

/** A client that shakes hands; null when the edge does not let it. */
async function shake({ port }: TestEdge, servername = 'localhost'): Promise<TLSSocket | null> {
  const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
  return new Promise((resolve) => {
    socket.once('secureConnect', () => resolve(socket));
    socket.on('error', () => resolve(null));
    socket.once('close', () => resolve(null));
  });
}

/** Statuses of requests sent one after the other on one connection, until one is over a limit. */
async function ask(socket: TLSSocket, path: string, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: agent\r\n\r\n`);
    const [data] = (await once(socket, 'data')) as [Buffer];
    statuses.push(Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString())![1]));
    if (statuses.at(-1) === 429) break;
  }
  return statuses;
}

test('a limit on hellos lets exactly its burst through, whichever worker a client meets', async (t) => {
  const edge = await start(t, 'per conn.ip  allow 7/1h  then refuse', 2);
  const sockets = await Promise.all(Array.from({ length: 20 }, () => shake(edge)));
  assert.equal(sockets.filter((socket) => socket !== null).length, 7);
  for (const socket of sockets) socket?.destroy();
});

test('a limit on handshakes is not drawn on by clients that are turned away', async (t) => {
  const edge = await startTestEdge(t, {
    policy: policy('per conn.ip of handshake  allow 2/1h  then refuse').replace(
      'ladder {',
      'deny not_us when hello.sni == "other.test" do refuse  ladder {',
    ),
  });
  for (let i = 0; i < 5; i++) assert.equal(await shake(edge, 'other.test'), null);
  const [first, second, third] = [await shake(edge), await shake(edge), await shake(edge)];
  assert.notEqual(first, null);
  assert.notEqual(second, null);
  assert.equal(third, null);
  first!.destroy();
  second!.destroy();
  assert.deepEqual((await edge.line(({ event }) => event.action === 'limited')).sallyport.matched, ['few']);
});

test('a limit on failures turns away who failed too often, and nobody before', async (t) => {
  const edge = await start(t, 'per conn.ip of failure  allow 3/1h  then reset');
  for (let i = 0; i < 3; i++) {
    const good = (await shake(edge))!;
    assert.deepEqual(await ask(good, '/', 1), [200]);
    good.destroy();
    const socket = edge.connect();
    socket.write('no hello');
    await untilClosed(socket);
  }
  const socket = edge.connect();
  socket.write(await captureHello());
  assert.equal((await untilClosed(socket)).reset, true);
  assert.equal((await edge.line(({ event }) => event.action === 'limited')).sallyport.tier, 'limit');
});

test('a limit on requests is answered 429, and the connection is closed', async (t) => {
  const edge = await start(t, 'per conn.ip of request  allow 3/1h  then refuse');
  const socket = (await shake(edge))!;
  assert.deepEqual(await ask(socket, '/', 5), [200, 200, 200, 429]);
  const { event, sallyport } = await edge.line();
  assert.equal(event.action, 'limited');
  assert.deepEqual(sallyport.matched, ['few']);
});

test('a limit per path counts each path by itself, over all connections', async (t) => {
  const edge = await start(t, 'per conn.ip, http.path  allow 2/1h  then refuse', 2);
  const sockets = (await Promise.all([shake(edge), shake(edge), shake(edge)])) as TLSSocket[];
  assert.deepEqual(await ask(sockets[0]!, '/login', 1), [200]);
  assert.deepEqual(await ask(sockets[1]!, '/login', 1), [200]);
  assert.deepEqual(await ask(sockets[0]!, '/other', 1), [200]);
  assert.deepEqual(await ask(sockets[2]!, '/login', 1), [429]);
  for (const socket of sockets) socket.destroy();
});

test('a limit on requests may pose a challenge', async (t) => {
  const edge = await start(t, 'per conn.ip of request  allow 1/1h  then challenge puzzle');
  const socket = (await shake(edge))!;
  assert.deepEqual(await ask(socket, '/', 3), [200, 403, 403]);
  socket.destroy();
});

for (const [event, body] of [
  ['challenge', null],
  ['challenge_fail', 'token=1&nonce=1'],
] as const) {
  test(`a limit on ${event} turns the client away at its next hello`, async (t) => {
    const edge = await start(t, `per conn.ip of ${event}  allow 2/1h  then reset`);
    const socket = (await shake(edge, 'puzzle.test'))!;
    for (let i = 0; i < 2; i++) {
      socket.write(
        body === null
          ? 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
          : `POST /.well-known/sallyport/challenge HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      await once(socket, 'data');
    }
    assert.equal(await shake(edge, 'puzzle.test'), null);
    socket.destroy();
  });
}

test('a limit that changes its rate begins anew, one that does not keeps what was drawn over a reload', async (t) => {
  const edge = await start(t, 'per conn.ip  allow 2/1h  then refuse');
  for (let i = 0; i < 2; i++) (await shake(edge))!.destroy();
  edge.write('policy.pdl', `${policy('per conn.ip  allow 2/1h  then refuse')}# the same\n`);
  assert.equal((await edge.edge.reload()).ok, true);
  assert.equal(await shake(edge), null);
  edge.write('policy.pdl', policy('per conn.ip  allow 1/1h  then refuse'));
  assert.equal((await edge.edge.reload()).ok, true);
  (await shake(edge))!.destroy();
  assert.equal(await shake(edge), null);
  await until('the served clients are recorded', () => edge.lines().length >= 5);
});
