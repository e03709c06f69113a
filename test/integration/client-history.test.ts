/** What the edge remembers of its clients, as its policy and its operator see it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import { captureHello, untilClosed } from '../support/hello.ts';

const POLICY = `pdl 1
import "std/tls" as tls
score past {
  clamp 0..100
  signal handshakes_2 +1 when client.handshakes >= 2
  signal failures_1   +2 when client.failures >= 1
  signal refusals_1   +4 when client.history > 0 and client.handshakes == 0 and client.failures == 0
  signal history_4    +8 when client.history >= 4
  signal seen         +16 when known client.first_seen
  signal unsolved     +32 when client.solved == 0 and unknown client.clear_age
}
policy served extends tls.intermediate { }
policy shut extends served { action refuse  rank 9 }
site main { listen edge  sni any  score past  ladder { from 0 use served }  on_error use served
  deny other when hello.sni == "other.test" do refuse }
`;

function start(t: TestContext, threads = 0): Promise<TestEdge> {
  return startTestEdge(t, { policy: POLICY, threads });
}

/** A handshake with one request, to be sure that the edge has seen its end. */
async function serve({ port, ca }: TestEdge): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
  await once(socket, 'secureConnect');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await once(socket.resume(), 'close');
}

async function refuse(edge: TestEdge): Promise<void> {
  const socket = edge.connect();
  socket.write(await captureHello({ servername: 'other.test' }));
  await untilClosed(socket);
}

async function fail(edge: TestEdge): Promise<void> {
  const socket = edge.connect();
  socket.write('no hello');
  await untilClosed(socket);
}

/** The signals that held for the n-th connection, counted from 0. */
async function matched(edge: TestEdge, n: number): Promise<readonly string[]> {
  await edge.line(() => edge.lines().length > n);
  return edge.lines()[n]!.sallyport.matched;
}

test('a client that was never seen has no first sight, and counts of 0', async (t) => {
  const edge = await start(t);
  await serve(edge);
  assert.deepEqual(await matched(edge, 0), ['unsolved']);
});

test('handshakes, failures and refusals are told apart, whichever worker met them', async (t) => {
  const edge = await start(t, 2);
  await refuse(edge);
  await edge.line();
  await refuse(edge);
  assert.deepEqual(await matched(edge, 1), ['other', 'refusals_1', 'seen', 'unsolved']);
  await serve(edge);
  await serve(edge);
  await fail(edge);
  await edge.line(({ event }) => event.action === 'not_tls');
  await serve(edge);
  const all = ['failures_1', 'handshakes_2', 'history_4', 'seen', 'unsolved'];
  assert.deepEqual([...(await matched(edge, 5))].sort(), all);
});

test('what is known of a client outlives the process, and one that is damaged does not stop it', async (t) => {
  const first = await start(t);
  await serve(first);
  await serve(first);
  await first.edge.stop();
  const second = await startTestEdge(t, { policy: POLICY, directory: first.directory });
  await serve(second);
  assert.ok((await matched(second, 2)).includes('handshakes_2'));
  await second.edge.stop();
  writeFileSync(join(first.directory, '.sallyport/history.db'), 'nothing of use');
  const third = await startTestEdge(t, { policy: POLICY, directory: first.directory });
  await serve(third);
  assert.deepEqual(await matched(third, 3), ['unsolved']);
  await third.edge.stop();
});
