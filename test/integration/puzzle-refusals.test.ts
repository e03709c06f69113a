/** Second hellos that solve nothing: refused before any key exchange. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { TlsAddon } from '../../src/edge/tls-addon.ts';
import { skip as noAddon } from '../support/addon.ts';
import { untilClosed } from '../support/hello.ts';
import { type Posed, posed, solutionOf, startPuzzleEdge } from '../support/puzzle-edge.ts';
import {
  answerContent,
  changed,
  EXTENSION,
  type Hello,
  keyShare,
  type LocalEnd,
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
const group = { skip: noAddon };

interface Wrong {
  readonly what: string;
  readonly alert: number;
  readonly error: RegExp;
  /** From the right second hello. */
  readonly second: (right: Hello, posed: Posed) => Hello;
}

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
  const tlsObjects = t.mock.method(TlsAddon.prototype, 'captureSsl').mock;
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
  // why: OpenSSL makes no key and signs nothing without an object of the connection.
  assert.equal(tlsObjects.callCount(), 0);
  const each = await posed(t, port);
  assert.equal((await each.client.say(secondHello(each.first, each.answer))).kind, 'hello');
  assert.equal(tlsObjects.callCount(), 1, 'the right one gets to a key exchange');
});

/** An address of its own, so that nobody else takes its port meanwhile. */
const HERE = '127.0.0.3';
const ELSEWHERE: readonly { readonly where: string; readonly local: (port: number) => LocalEnd }[] = [
  { where: 'another connection of the same client', local: () => ({ localAddress: HERE }) },
  {
    where: 'the next connection from the same port',
    local: (localPort) => ({ localAddress: HERE, localPort }),
  },
  { where: 'a connection of another client', local: () => ({ localAddress: '127.0.0.2' }) },
];

test('a solution is worth nothing elsewhere than where it was found', group, async (t) => {
  const { port } = await startPuzzleEdge(t, 'handshake, page', '14');
  for (const { where, local } of ELSEWHERE) {
    await t.test(where, async (t) => {
      const one = await posed(t, port, {}, { localAddress: HERE });
      const solved = secondHello(one.first, one.answer);
      const from = local(one.client.port);
      if (from.localPort !== undefined) {
        // why: without a reset its port would be kept for a while.
        one.client.socket.resetAndDestroy();
        await once(one.client.socket, 'close');
      }
      const other = await RawClient.open(port, from);
      t.after(() => other.close());
      const retry = await other.say(one.first);
      assert.ok(retry.kind === 'retry');
      assert.notDeepEqual(readPuzzle(retry.puzzle!).salt, readPuzzle(one.answer.puzzle!).salt);
      assert.deepEqual(await other.say(solved), { kind: 'alert', alert: ALERT.illegal_parameter });
    });
  }
  const { client, first, answer } = await posed(t, port);
  assert.equal((await client.say(secondHello(first, answer))).kind, 'hello', 'where it was found it is good');
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
