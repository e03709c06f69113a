import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { skip as noAddon } from '../support/addon.ts';
import { startPuzzleEdge } from '../support/puzzle-edge.ts';
import {
  type Answer,
  answerContent,
  changed,
  EXTENSION,
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

const ALERT = { handshake_failure: 40, illegal_parameter: 47, decode_error: 50, missing_extension: 109 };

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
    alert: ALERT.handshake_failure,
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
