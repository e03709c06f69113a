import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { connect as connectSolving } from '../../src/index.ts';
import { skip as noAddon } from '../support/addon.ts';
import { startTestEdge } from '../support/edge.ts';
import { intoRecords, untilClosed } from '../support/hello.ts';
import { puzzlePolicy, startPuzzleEdge } from '../support/puzzle-edge.ts';
import {
  type Answer,
  answerContent,
  changed,
  EXTENSION,
  encodeHello,
  findSolution,
  type Hello,
  type HelloOptions,
  keyShare,
  makeHello,
  P256,
  puzzleContent,
  RawClient,
  readPuzzle,
  secondHello,
  u16,
  X25519,
} from '../support/raw-puzzle.ts';

const ALERT = { illegal_parameter: 47, decode_error: 50, missing_extension: 109 };

interface Posed {
  readonly client: RawClient;
  readonly first: Hello;
  readonly answer: Answer & { kind: 'retry' };
}

/** A client whose first hello was answered with a puzzle. */
async function posed(t: TestContext, port: number, options: HelloOptions = {}): Promise<Posed> {
  const client = await RawClient.open(port);
  t.after(() => client.close());
  const first = makeHello(options);
  const answer = await client.say(first);
  assert.ok(answer.kind === 'retry', `the answer is ${JSON.stringify(answer)}`);
  return { client, first, answer };
}

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

interface Wrong {
  readonly what: string;
  readonly alert: number;
  readonly error: RegExp;
  /** From the right second hello. */
  readonly second: (right: Hello, posed: Posed) => Hello;
}

const solutionOf = ({ answer }: Posed, right: boolean): bigint =>
  findSolution(readPuzzle(answer.puzzle!), right);

const WRONG: readonly Wrong[] = [
  {
    what: 'a wrong solution',
    alert: ALERT.illegal_parameter,
    error: /the solution of the puzzle is wrong/,
    second: (right, each) => changed(right, [[EXTENSION, answerContent(1, solutionOf(each, false))]]),
  },
  {
    what: 'no extension',
    alert: ALERT.missing_extension,
    error: /has no solution/,
    second: (right) => changed(right, [[EXTENSION, null]]),
  },
  {
    what: 'the offer once more',
    alert: ALERT.illegal_parameter,
    error: /another puzzle/,
    second: (right, { first }) =>
      changed(right, [[EXTENSION, first.extensions.find(([type]) => type === EXTENSION)![1]]]),
  },
  {
    what: 'the solution of another type',
    alert: ALERT.illegal_parameter,
    error: /another puzzle/,
    second: (right, each) => changed(right, [[EXTENSION, answerContent(2, solutionOf(each, true))]]),
  },
  {
    what: 'a solution that is too short',
    alert: ALERT.illegal_parameter,
    error: /the solution of the puzzle is wrong/,
    second: (right) => changed(right, [[EXTENSION, puzzleContent([1], Buffer.alloc(7))]]),
  },
  {
    what: 'a solution that is too long',
    alert: ALERT.illegal_parameter,
    error: /the solution of the puzzle is wrong/,
    second: (right) => changed(right, [[EXTENSION, puzzleContent([1], Buffer.alloc(9))]]),
  },
  {
    what: 'an extension that is cut off',
    alert: ALERT.illegal_parameter,
    error: /another puzzle/,
    second: (right) => changed(right, [[EXTENSION, Buffer.from([2, 0])]]),
  },
  {
    what: 'another server name',
    alert: ALERT.illegal_parameter,
    error: /not that of the same client/,
    second: (right) => changed(right, [makeHello({ name: 'other.test' }).extensions[0]!]),
  },
  {
    what: 'another random',
    alert: ALERT.illegal_parameter,
    error: /not that of the same client/,
    second: (right) => ({ ...right, random: Buffer.alloc(32, 7) }),
  },
  {
    what: 'another list of suites',
    alert: ALERT.illegal_parameter,
    error: /not that of the same client/,
    second: (right) => ({ ...right, ciphers: right.ciphers.toReversed() }),
  },
  {
    what: 'another order of extensions',
    alert: ALERT.illegal_parameter,
    error: /not that of the same client/,
    second: (right) => ({ ...right, extensions: right.extensions.toReversed() }),
  },
  {
    what: 'an extension more',
    alert: ALERT.illegal_parameter,
    error: /not that of the same client/,
    second: (right) => changed(right, [[0x7777, Buffer.alloc(3)]]),
  },
  {
    what: 'a cookie nobody gave',
    alert: ALERT.illegal_parameter,
    error: /not that of the same client/,
    second: (right) => changed(right, [[44, Buffer.concat([u16(2), Buffer.alloc(2)])]]),
  },
  {
    what: 'two key shares',
    alert: ALERT.illegal_parameter,
    error: /not that of the same client/,
    second: (right) => changed(right, [keyShare(P256, X25519)]),
  },
];

test('a second hello that is not right is refused before any key exchange', group, async (t) => {
  const { port, line } = await startPuzzleEdge(t, 'handshake, page');
  for (const { what, alert, error, second } of WRONG) {
    await t.test(what, async (t) => {
      const each = await posed(t, port);
      const answer = await each.client.say(second(secondHello(each.first, each.answer), each));
      // why: a ServerHello would be a record of type 22; besides the HelloRetryRequest there must be none.
      assert.deepEqual(answer, { kind: 'alert', alert });
      assert.equal(each.client.records.filter((type) => type === 22).length, 1);
      const audit = await line((entry) => entry.source.port === each.client.port);
      assert.equal(audit.event.action, 'refused');
      assert.match(audit.error.message ?? '', error);
      assert.deepEqual(audit.sallyport.challenge, { name: 'puzzle', outcome: 'failed' });
      assert.equal(audit.tls.established, false);
    });
  }
});

test('a solution is worth nothing on another connection of the same client', group, async (t) => {
  const { port } = await startPuzzleEdge(t, 'handshake, page', '16');
  const one = await posed(t, port);
  const solved = secondHello(one.first, one.answer);
  const other = await RawClient.open(port);
  t.after(() => other.close());
  const retry = await other.say(one.first);
  assert.ok(retry.kind === 'retry');
  assert.notDeepEqual(readPuzzle(retry.puzzle!).salt, readPuzzle(one.answer.puzzle!).salt);
  assert.deepEqual(await other.say(solved), { kind: 'alert', alert: ALERT.illegal_parameter });
  assert.equal((await one.client.say(solved)).kind, 'hello', 'where it was found it is good');
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

/** The puzzle's difficulty is the score's: 40 points for a client without ALPN. */
const SCORED = `pdl 1
import "std/tls" as tls
secret puzzle_key from env "SALLYPORT_TEST_PUZZLE_KEY"
score shape { clamp 0..100  signal no_alpn +40 when count(hello.alpn) == 0 }
challenge puzzle {
  kind pow  difficulty 6..14 over score 0..40  solve_within 30s  clears for 1h per conn.ip, hello.ja4  secret puzzle_key
  deliver [ handshake ]
}
policy puzzled extends tls.intermediate { challenge puzzle  rank 10 }
site all { listen edge  sni any  score shape  ladder { from 0 use puzzled }  on_error use puzzled }
`;

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

test('what is no second hello is refused', group, async (t) => {
  const { port, line } = await startPuzzleEdge(t, 'handshake, page');
  const cases: readonly [string, Buffer, number | null][] = [
    ['application data', Buffer.from([23, 3, 3, 0, 1, 0]), 10],
    ['an alert', Buffer.from([21, 3, 3, 0, 2, 2, 40]), null],
    ['a damaged hello', Buffer.from([22, 3, 3, 0, 5, 1, 0, 0, 1, 0]), 50],
    ['another message', Buffer.from([22, 3, 3, 0, 4, 2, 0, 0, 0]), 50],
    ['an empty record', Buffer.from([22, 3, 3, 0, 0]), 10],
    ['a wrong change_cipher_spec', Buffer.from([20, 3, 3, 0, 1, 2]), 10],
  ];
  for (const [what, bytes, alert] of cases) {
    const { client } = await posed(t, port);
    const closed = untilClosed(client.socket);
    client.socket.write(bytes);
    const { bytes: got } = await closed;
    if (alert !== null) assert.deepEqual(got, Buffer.from([21, 3, 3, 0, 2, 2, alert]), what);
    const audit = await line((entry) => entry.source.port === client.port);
    assert.equal(audit.event.action, alert === null ? 'handshake_failed' : 'refused', what);
  }
});

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
