import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  helloBody,
  helloParts,
  listedGroups,
  offeredCiphers,
  sharedGroups,
  unchangedDigest,
} from '../../src/challenge/puzzle/hello-parts.ts';
import { forcedGroup, HandshakePuzzle, offeredType } from '../../src/challenge/puzzle/puzzle.ts';
import { retryFlight } from '../../src/challenge/puzzle/retry-flight.ts';
import { retryExtension } from '../../src/challenge/puzzle/retry-request.ts';
import { secondFlight } from '../../src/challenge/puzzle/second-flight.ts';
import { solvePuzzle } from '../../src/challenge/puzzle/solve.ts';
import {
  decodeChallenge,
  decodeExtension,
  encodeChallenge,
  encodeExtension,
  hashedMessage,
  PUZZLE_TYPES,
} from '../../src/challenge/puzzle/wire.ts';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { intoRecords } from '../support/hello.ts';
import {
  changed,
  EXTENSION,
  encodeHello,
  keyShare,
  makeHello,
  P256,
  puzzleContent,
  u16,
  X25519,
} from '../support/raw-puzzle.ts';

const core = new Core(loadCoreModule());
const partsOf = (hello: Parameters<typeof encodeHello>[0]) => helloParts(encodeHello(hello).subarray(9))!;
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const puzzle = new HandshakePuzzle({
  secret: Buffer.alloc(32, 7),
  name: 'puzzle',
  extension: EXTENSION,
  zeroBits: (message) => core.leadingZeroBits(message),
});
const profile = { ciphers: [0x1301, 0x1302], groups: [X25519, P256], prefer: 'server' } as const;
const client = { connection: 'one', ip: Buffer.alloc(16, 1), port: 4711 };

test('the draft’s first example is read and written as it stands', () => {
  const challenge = Buffer.from('0200010014000800100102030405060708090a0b0c0d0e0f10', 'hex');
  const posed = decodeExtension(challenge)!;
  assert.deepEqual(posed.types, [PUZZLE_TYPES.sha256]);
  const { difficulty, salt } = decodeChallenge(posed.body)!;
  assert.equal(difficulty, 8);
  assert.equal(Buffer.from(salt).toString('hex'), '0102030405060708090a0b0c0d0e0f10');
  const body = encodeChallenge({ difficulty, salt });
  assert.deepEqual(encodeExtension({ types: [1], body }), challenge);
  const message = hashedMessage(PUZZLE_TYPES.sha256, salt, Buffer.from('0000000000000055', 'hex'))!;
  assert.equal(core.leadingZeroBits(message), 8);
});

test('an extension survives its encoding, and no bytes make its reader throw', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 127 }), bytes, (types, body) => {
      const read = decodeExtension(encodeExtension({ types, body }))!;
      assert.deepEqual(read.types, types);
      assert.deepEqual(Buffer.from(read.body), body);
    }),
  );
  fc.assert(
    fc.property(bytes, (any) => {
      const read = decodeExtension(any);
      if (read !== null) assert.deepEqual(encodeExtension(read), any);
      const challenge = decodeChallenge(any);
      if (challenge !== null) assert.deepEqual(encodeChallenge(challenge), any);
    }),
  );
});

test('a hello cut off anywhere, or changed in any byte, is read or refused, never thrown at', () => {
  const whole = encodeHello(makeHello());
  const body = whole.subarray(9);
  for (let length = 0; length < body.length; length++)
    assert.equal(helloParts(body.subarray(0, length)), null);
  fc.assert(
    fc.property(fc.nat(body.length - 1), fc.nat(255), (at, value) => {
      const damaged = Buffer.from(body);
      damaged[at] = value;
      const parts = helloParts(damaged);
      if (parts === null) return;
      listedGroups(parts);
      sharedGroups(parts);
      offeredCiphers(parts);
      offeredType(parts, EXTENSION);
      forcedGroup(parts, [X25519, P256]);
    }),
  );
});

test('a second flight is read however it is cut into records, and told apart from anything else', () => {
  const hello = encodeHello(makeHello());
  const message = hello.subarray(5);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.boolean(), (size, compatible) => {
      const records = intoRecords(hello, size);
      const flight = compatible ? Buffer.concat([Buffer.from([20, 3, 3, 0, 1, 1]), records]) : records;
      const read = secondFlight(flight);
      assert.ok(read.kind === 'hello');
      assert.deepEqual(read.message, message);
      for (const cut of [0, 4, 5, 9, flight.length - 1]) {
        assert.equal(secondFlight(flight.subarray(0, cut)).kind, 'more');
      }
    }),
  );
  fc.assert(fc.property(bytes, (any) => ['hello', 'alert', 'bad', 'more'].includes(secondFlight(any).kind)));
  assert.equal(
    secondFlight(Buffer.concat([hello, Buffer.from([0])])).kind,
    'hello',
    'what follows is for TLS',
  );
  assert.equal(helloBody(Buffer.from([1, 0, 0, 9, 0])), null);
});

test('a client reads from the flight what the server put there, in whatever pieces', () => {
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 64 }), (content, size) => {
      const flight = retryFlight({
        ...{ sessionId: Buffer.alloc(32, 3), cipher: 0x1301, group: P256, type: EXTENSION, content },
      });
      const message = flight.subarray(5, flight.length - 6);
      const records = intoRecords(Buffer.concat([Buffer.alloc(5), message]), size);
      for (let cut = 0; cut < records.length; cut += 7) {
        assert.equal(retryExtension(records.subarray(0, cut), EXTENSION), 'more');
      }
      assert.deepEqual(retryExtension(records, EXTENSION), content);
      assert.equal(retryExtension(records, EXTENSION - 1), null);
    }),
  );
  fc.assert(fc.property(bytes, (any) => void retryExtension(any, EXTENSION)));
});

test('a second hello is told by what must not change, and by nothing else', () => {
  const hello = makeHello();
  const digest = unchangedDigest(partsOf(hello), EXTENSION).toString('hex');
  const of = (other: typeof hello): string => unchangedDigest(partsOf(other), EXTENSION).toString('hex');
  assert.equal(
    of(changed(hello, [keyShare(P256), [EXTENSION, Buffer.alloc(3)], [21, Buffer.alloc(9)]])),
    digest,
  );
  for (const type of [0, 43, 10, 13]) {
    const content = Buffer.from(hello.extensions.find(([each]) => each === type)![1]);
    content[content.length - 1]! ^= 1;
    assert.notEqual(of(changed(hello, [[type, content]])), digest, `extension ${type}`);
    assert.notEqual(of(changed(hello, [[type, null]])), digest, `without extension ${type}`);
  }
});

test('the group that is asked for is listed, not shared, allowed, and cheap', () => {
  const group = (groups: number[], shares: number[], allowed: number[]): number | null =>
    forcedGroup(partsOf(makeHello({ groups, shares })), allowed);
  const P384 = 0x0018;
  assert.equal(group([X25519, P256], [X25519], [X25519, P256]), P256);
  assert.equal(group([X25519, P256], [P256], [X25519, P256]), X25519);
  assert.equal(group([X25519, P256], [X25519, P256], [X25519, P256]), null);
  assert.equal(group([X25519, P256], [X25519], [X25519]), null, 'not allowed');
  assert.equal(group([X25519, P384], [X25519], [X25519, P384]), null, 'P-384 is never forced');
  assert.equal(group([X25519, 0x11ec, P256], [X25519], [0x11ec, X25519, P256]), 0x11ec);
});

test('two connections never have the same puzzle, and one has always the same', () => {
  const hello = partsOf(makeHello());
  const salt = (who = client, bits = 8, of = puzzle): string =>
    of.pose(hello, profile, bits, who)!.salt.toString('hex');
  const other = new HandshakePuzzle({
    ...{ secret: Buffer.alloc(32, 8), name: 'puzzle', extension: EXTENSION, zeroBits: () => 0 },
  });
  assert.equal(salt(), salt());
  const salts = [
    salt(),
    salt({ ...client, connection: 'two' }),
    salt({ ...client, ip: Buffer.alloc(16, 2) }),
    salt({ ...client, port: 1 }),
    salt(client, 9),
    salt(client, 8, other),
  ];
  assert.equal(new Set(salts).size, salts.length);
});

test('a share of random answers is right that the difficulty says', () => {
  const first = makeHello();
  const posed = puzzle.pose(partsOf(first), profile, 4, client)!;
  let right = 0;
  for (let solution = 0; solution < 4_000; solution++) {
    const answer = Buffer.alloc(8);
    answer.writeUInt32BE(solution, 4);
    const second = changed(first, [keyShare(P256), [EXTENSION, puzzleContent([1], answer)]]);
    const failure = puzzle.judge(posed, encodeHello(second).subarray(5));
    assert.ok(failure === null || failure === 'solution_wrong');
    if (failure === null) right++;
  }
  // 250 on average, with a standard deviation of 15.
  assert.ok(right > 160 && right < 340, `${right} of 4,000`);
});

test('solving stops at the limit, and says what it does not know', async () => {
  const options = { maxDifficulty: 10, signal: new AbortController().signal, onProgress: () => {} };
  const posed = (type: number, difficulty: number): Buffer =>
    puzzleContent([type], Buffer.concat([u16(difficulty), u16(0)]));
  assert.equal(await solvePuzzle(core, posed(1, 11), options), 'too_hard');
  assert.equal(await solvePuzzle(core, posed(3, 1), options), 'unsupported');
  assert.equal(await solvePuzzle(core, Buffer.alloc(0), options), 'unsupported');
  const solved = await solvePuzzle(core, posed(1, 10), options);
  assert.ok(typeof solved !== 'string' && solved.tries >= 1);
});
