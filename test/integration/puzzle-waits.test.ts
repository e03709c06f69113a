/** The wait for a solution: its deadlines, its bound, and what comes in pieces. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect as connectSolving } from '../../src/index.ts';
import { skip as noAddon } from '../support/addon.ts';
import { startTestEdge } from '../support/edge.ts';
import { intoRecords, untilClosed } from '../support/hello.ts';
import { posed, puzzlePolicy, startPuzzleEdge } from '../support/puzzle-edge.ts';
import { encodeHello, P256, secondHello } from '../support/raw-puzzle.ts';

const group = { skip: noAddon };

test('a client that does not solve in time is closed', group, async (t) => {
  const policy = puzzlePolicy('handshake, page').replace('solve_within 30s', 'solve_within 100ms');
  const { port, line } = await startTestEdge(t, { policy });
  const { client } = await posed(t, port);
  await untilClosed(client.socket);
  const audit = await line();
  assert.equal(audit.event.action, 'handshake_timeout');
  assert.match(audit.error.message ?? '', /no solution came/);
  assert.equal(audit.sallyport.challenge?.outcome, 'posed');
});

test('the handshake’s deadline ends the wait too', group, async (t) => {
  const { port, line } = await startPuzzleEdge(t, 'handshake', '8', {
    limits: { handshakeTimeout: '200ms' },
  });
  const { client } = await posed(t, port);
  await untilClosed(client.socket);
  assert.equal((await line()).event.action, 'handshake_timeout');
});

test(
  'one client more than may wait makes the oldest leave, and none of them keeps others out',
  group,
  async (t) => {
    const limits = { puzzlesPerWorker: 2, handshakes: 1 };
    const { port, line, ca } = await startPuzzleEdge(t, 'handshake, page', '8', { limits });
    const first = await posed(t, port);
    const second = await posed(t, port);
    const closed = untilClosed(first.client.socket);
    const third = await posed(t, port);
    await closed;
    const audit = await line();
    assert.equal(audit.source.port, first.client.port);
    assert.equal(audit.event.action, 'over_capacity');
    // why: those who wait are no handshakes under way, of which only one is allowed.
    const other = await connectSolving({
      ...{ host: '127.0.0.1', port, servername: 'other.test', ca },
    });
    other.socket.destroy();
    assert.equal((await third.client.say(secondHello(third.first, third.answer))).kind, 'hello');
    second.client.close();
  },
);

test('a second hello in pieces is waited for', group, async (t) => {
  const { port } = await startPuzzleEdge(t, 'handshake, page');
  const { client, first, answer } = await posed(t, port);
  const bytes = Buffer.concat([
    Buffer.from([20, 3, 3, 0, 1, 1]),
    intoRecords(encodeHello(secondHello(first, answer)), 50),
  ]);
  client.socket.setNoDelay(true);
  for (let at = 0; at < bytes.length; at += 90) {
    client.socket.write(bytes.subarray(at, at + 90));
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  assert.deepEqual(await client.hear(), { kind: 'hello', group: P256 });
});
