/** The puzzle in the handshake: what is posed, to whom, and what solving it is worth. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { connect as connectSolving } from '../../src/index.ts';
import { skip as noAddon } from '../support/addon.ts';
import { startTestEdge } from '../support/edge.ts';
import { posed, SCORED, solutionOf, startPuzzleEdge } from '../support/puzzle-edge.ts';
import {
  answerContent,
  changed,
  EXTENSION,
  type Hello,
  type HelloOptions,
  makeHello,
  P256,
  puzzleContent,
  RawClient,
  readPuzzle,
  secondHello,
  u16,
  X25519,
} from '../support/raw-puzzle.ts';

const ALERT = { illegal_parameter: 47, missing_extension: 109 };
const group = { skip: noAddon };

test('a client that offers the extension gets a puzzle of the draft’s form', group, async (t) => {
  const { port } = await startPuzzleEdge(t, 'handshake, page');
  const { answer } = await posed(t, port);
  assert.equal(answer.group, P256, 'the group that the client lists and did not share');
  assert.deepEqual(answer.order, [EXTENSION, 43, 51]);
  const puzzle = readPuzzle(answer.puzzle!);
  assert.deepEqual(puzzle.types, [1]);
  assert.equal(puzzle.difficulty, 8);
  assert.equal(puzzle.salt.length, 26);
});

test('the solution opens the door, and clears the client for the next time', group, async (t) => {
  const { port, line } = await startPuzzleEdge(t, 'handshake, page');
  const { client, first, answer } = await posed(t, port);
  assert.deepEqual(await client.say(secondHello(first, answer)), { kind: 'hello', group: P256 });
  client.close();
  assert.deepEqual((await line()).sallyport.challenge, { name: 'puzzle', outcome: 'solved' });
  const again = await RawClient.open(port);
  t.after(() => again.close());
  assert.deepEqual(await again.say(first), { kind: 'hello', group: X25519 });
});

test('the puzzle grows with the score', group, async (t) => {
  const { port } = await startTestEdge(t, { policy: SCORED });
  const h2 = Buffer.concat([u16(3), Buffer.from('\u0002h2')]);
  const difficulty = async (more: HelloOptions['more']): Promise<number> => {
    const { answer } = await posed(t, port, { more: more ?? [] });
    return readPuzzle(answer.puzzle!).difficulty;
  };
  assert.equal(await difficulty([[16, h2]]), 6);
  assert.equal(await difficulty([]), 14);
});

test('a client that only knows SHA-512 gets that, with one bit less', group, async (t) => {
  const { port, line } = await startPuzzleEdge(t, 'handshake, page');
  const { client, first, answer } = await posed(t, port, { puzzle: puzzleContent([2, 0]) });
  const puzzle = readPuzzle(answer.puzzle!);
  assert.deepEqual(puzzle.types, [2]);
  assert.equal(puzzle.difficulty, 7);
  const wrong = await posed(t, port, { puzzle: puzzleContent([2]) });
  const hello = changed(secondHello(wrong.first, wrong.answer), [
    [EXTENSION, answerContent(2, solutionOf(wrong, false))],
  ]);
  assert.deepEqual(await wrong.client.say(hello), { kind: 'alert', alert: ALERT.illegal_parameter });
  assert.equal((await client.say(secondHello(first, answer))).kind, 'hello');
  client.close();
  await line((entry) => entry.sallyport.challenge?.outcome === 'solved');
});

test('a client that cannot be asked for another group gets the next way, or is refused', group, async (t) => {
  const cases: readonly { what: string; options: HelloOptions }[] = [
    { what: 'all groups shared', options: { shares: [X25519, P256] } },
    { what: 'no group left over', options: { groups: [X25519], shares: [X25519] } },
    { what: 'no extension', options: { puzzle: null } },
    { what: 'only unknown types', options: { puzzle: puzzleContent([0x0a0a, 3]) } },
    { what: 'an offer with a body', options: { puzzle: puzzleContent([1], Buffer.alloc(1)) } },
    { what: 'a damaged offer', options: { puzzle: Buffer.from([3, 0, 1, 0, 0, 0]) } },
  ];
  const page = await startPuzzleEdge(t, 'handshake, page');
  const only = await startPuzzleEdge(t, 'handshake');
  for (const { what, options } of cases) {
    await t.test(what, async (t) => {
      const client = await RawClient.open(page.port);
      const refused = await RawClient.open(only.port);
      t.after(() => client.close());
      t.after(() => refused.close());
      assert.equal((await client.say(makeHello(options))).kind, 'hello');
      assert.deepEqual(await refused.say(makeHello(options)), {
        kind: 'alert',
        alert: ALERT.missing_extension,
      });
    });
  }
});

test('a client without the extension gets the page, as ever', group, async (t) => {
  const { port, ca } = await startPuzzleEdge(t, 'handshake, page');
  const client = connect({ port, host: '127.0.0.1', servername: 'puzzle.test', ca });
  client.write('GET / HTTP/1.1\r\nHost: puzzle.test\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of client) text += chunk;
  assert.match(text, /^HTTP\/1\.1 403 /);
});

test('the place that comes first counts, where it is one', group, async (t) => {
  const page = await startPuzzleEdge(t, 'page, handshake');
  const client = await RawClient.open(page.port);
  t.after(() => client.close());
  assert.equal((await client.say(makeHello())).kind, 'hello', 'the page is to come');
  const upstream = { protocol: 'tcp', address: '127.0.0.1:1' };
  const tcp = await startPuzzleEdge(t, 'page, handshake', '8', { upstream });
  await posed(t, tcp.port);
});

test('a client that resumes a session is asked all the same', group, async (t) => {
  const edge = await startPuzzleEdge(t, 'handshake', '8', {
    upstream: { protocol: 'tcp', address: '127.0.0.1:1' },
  });
  const to = (session?: Buffer): ReturnType<typeof connectSolving> =>
    connectSolving({
      ...{ host: '127.0.0.1', port: edge.port, servername: 'puzzle.test', ca: edge.ca },
      ...(session === undefined ? {} : { session }),
    });
  const first = await to();
  assert.notEqual(first.puzzle, null);
  const [session] = (await once(first.socket.on('error', () => {}).resume(), 'session')) as [Buffer];
  first.socket.destroy();
  // why: a hello that resumes has another JA4, which the clearance does not cover.
  const second = await to(session);
  assert.equal(second.socket.isSessionReused(), true);
  assert.notEqual(second.puzzle, null);
  second.socket.destroy();
});

test('a client of TLS 1.2 alone is not asked in its handshake', group, async (t) => {
  const page = await startPuzzleEdge(t, 'handshake, page');
  const only = await startPuzzleEdge(t, 'handshake');
  const to = ({ port, ca }: typeof page): ReturnType<typeof connectSolving> =>
    connectSolving({ host: '127.0.0.1', port, servername: 'puzzle.test', ca, maxVersion: 'TLSv1.2' });
  const { socket, puzzle } = await to(page);
  assert.equal(puzzle, null);
  socket.destroy();
  await assert.rejects(to(only), /missing extension|alert number 109/i);
});

test('the flight that asks is the one that OpenSSL makes, whatever the hello', group, async (t) => {
  // why: each hello comes with a name of its own, so that no clearance covers the next.
  const briefly = SCORED.replace('6..14', '4..5').replace('conn.ip, hello.ja4', 'conn.ip, hello.sni');
  let names = 0;
  const { port } = await startTestEdge(t, { policy: briefly });
  const preferring = await startTestEdge(t, {
    policy: briefly.replace('{ challenge puzzle', '{ tls { prefer server } challenge puzzle'),
  });
  const hellos: readonly [string, (hello: Hello) => Hello][] = [
    ['no session id', (hello) => ({ ...hello, sessionId: Buffer.alloc(0) })],
    ['a short session id', (hello) => ({ ...hello, sessionId: Buffer.alloc(5, 1) })],
    ['suites of TLS 1.2 first', (hello) => ({ ...hello, ciphers: [0xc02b, 0x1303, 0x1301] })],
    ['GREASE', (hello) => ({ ...hello, ciphers: [0x1a1a, 0x1302] })],
    ['unknown suites', (hello) => ({ ...hello, ciphers: [0x1306, 0x1304, 0x1301, 0x1302] })],
  ];
  for (const each of [port, preferring.port]) {
    for (const [what, of] of hellos) {
      const client = await RawClient.open(each);
      t.after(() => client.close());
      const first = of(makeHello({ name: `n${names++}.test` }));
      const answer = await client.say(first);
      assert.ok(answer.kind === 'retry', `${what}: ${JSON.stringify(answer)}`);
      // why: had OpenSSL made other bytes, it would have failed the connection here.
      assert.deepEqual(await client.say(secondHello(first, answer)), { kind: 'hello', group: P256 }, what);
      assert.equal(client.records.filter((type) => type === 22).length, 2, 'one retry and one hello');
    }
  }
});
