import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inDatagrams, mutate, Random, seedHellos } from '../fuzz/mutate.ts';
import { readHello } from '../reference/client-hello.ts';
import { answerOfCore, answerOfReference, type Form, type Proto } from '../support/hello-answers.ts';
import { helloMessage, inRecords, u16, vector } from '../support/hello-bytes.ts';
import { RawCore } from '../support/raw-core.ts';
import { missing, readLines } from '../support/shared-data.ts';

const HELLOS = 'hellos-dev.jsonl';
const HOSTILE = 'fuzz/hostile-wire-dev.jsonl.gz';
const MUTATIONS = 20_000;

// Different bytes lie behind what each parses, so reading past an end would show as a difference.
const scalar = new RawCore('scalar', 0x00);
const simd = new RawCore('simd', 0xff);

function assertAgree(bytes: Uint8Array, form: Form, proto: Proto): string {
  const expected = answerOfReference(readHello(bytes, form, proto));
  const where = `${form} ${proto} ${Buffer.from(bytes).toString('hex')}`;
  assert.equal(answerOfCore(scalar, bytes, form, proto), expected, where);
  assert.equal(answerOfCore(simd, bytes, form, proto), expected, where);
  return expected.split('\n', 1)[0]!;
}

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const code = fc.oneof(
  fc.constantFrom(29, 23, 0x11ec, 0x0304, 0x0303, 0x1301, 0x0403, 0x0a0a, 0x7f1c),
  fc.nat(0xffff),
);
/** A length that is right, or a little wrong. */
const slip: fc.Arbitrary<number> = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -2, max: 2 }) },
);

function lengthThenContent(width: 1 | 2, content: Uint8Array, error: number): Buffer {
  const length = Buffer.alloc(width);
  length.writeUIntBE(Math.min(Math.max(content.length + error, 0), 256 ** width - 1), 0, width);
  return Buffer.concat([length, content]);
}

const codeList = (width: 1 | 2): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.array(code, { maxLength: 6 }), slip)
    .map(([values, error]) => lengthThenContent(width, Buffer.concat(values.map(u16)), error));
const byteList = fc.tuple(bytes(5), slip).map(([content, error]) => lengthThenContent(1, content, error));
const listOfVectors = (width: 1 | 2): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.array(fc.tuple(bytes(4), slip), { maxLength: 3 }), slip)
    .map(([items, error]) =>
      lengthThenContent(2, Buffer.concat(items.map(([item, e]) => lengthThenContent(width, item, e))), error),
    );
const label = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{1,5}$/),
  fc.constantFrom('', '1', 'a'.repeat(63), 'a'.repeat(64), 'é', 'a b', 'a\0'),
);
const serverName = fc
  .tuple(fc.array(label, { maxLength: 5 }), fc.constantFrom(0, 0, 0, 0, 1), slip, slip)
  .map(([labels, type, inner, outer]) => {
    const name = lengthThenContent(2, Buffer.from(labels.join('.'), 'latin1'), inner);
    return lengthThenContent(2, Buffer.concat([Buffer.from([type]), name]), outer);
  });
const keyShares = fc
  .tuple(fc.array(fc.tuple(code, bytes(3), slip), { maxLength: 4 }), slip)
  .map(([shares, error]) => {
    const entries = shares.map(([group, key, e]) =>
      Buffer.concat([u16(group), lengthThenContent(2, key, e)]),
    );
    return lengthThenContent(2, Buffer.concat(entries), error);
  });
const preSharedKey = fc
  .tuple(
    fc.array(bytes(3), { maxLength: 3 }),
    fc.array(fc.constantFrom(31, 32, 33), { maxLength: 3 }),
    slip,
    slip,
  )
  .map(([identities, binders, first, second]) => {
    const list = identities.map((identity) => Buffer.concat([vector(2, identity), Buffer.alloc(4)]));
    const macs = binders.map((size) => vector(1, Buffer.alloc(size)));
    return Buffer.concat([
      lengthThenContent(2, Buffer.concat(list), first),
      lengthThenContent(2, Buffer.concat(macs), second),
    ]);
  });

const of = <T extends Uint8Array>(
  types: number[],
  content: fc.Arbitrary<T>,
): fc.Arbitrary<[number, Uint8Array]> => fc.tuple(fc.constantFrom(...types), content);
const extension: fc.Arbitrary<[number, Uint8Array]> = fc.oneof(
  of([0], serverName),
  of([10, 13, 34, 50], codeList(2)),
  of([27, 43], codeList(1)),
  of([11, 45], byteList),
  of([16, 17_513, 17_613], listOfVectors(1)),
  of([47], listOfVectors(2)),
  of(
    [44],
    fc.tuple(bytes(3), slip).map(([content, error]) => lengthThenContent(2, content, error)),
  ),
  of([51], keyShares),
  of([41], preSharedKey),
  of([1, 5, 18, 22, 23, 28, 35, 42, 49, 0xff01, 0xfe0d], bytes(5)),
  of(
    [5],
    fc
      .constantFrom([1, 0, 0, 0, 0], [1, 0, 1, 9, 0, 0], [1, 0, 0, 0, 1, 7], [1, 0, 1, 0, 0])
      .map(Buffer.from),
  ),
  fc.tuple(code, bytes(4)),
);

const message = fc
  .record({
    version: fc.oneof(fc.constantFrom(0x0303, 0x0301), code),
    sessionId: fc.oneof(bytes(32), bytes(34)),
    ciphers: fc.array(code, { maxLength: 8 }),
    compression: fc.oneof(fc.constant(new Uint8Array(1)), bytes(2)),
    extensions: fc.option(fc.array(extension, { maxLength: 8 })),
  })
  .map(helloMessage);

test('any hello, right or nearly so, is read and fingerprinted as the reference does', () => {
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(message, fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }), (hello, sizes) => {
      outcomes.add(assertAgree(hello, 'handshake', 'quic'));
      outcomes.add(assertAgree(inRecords(hello, sizes), 'records', 'tls'));
      outcomes.add(assertAgree(inDatagrams(hello, sizes), 'records', 'dtls'));
    }),
    { numRuns: 6_000 },
  );
  // The generator is worth its name only if it reaches the rules.
  for (const outcome of ['complete', 'sni_not_a_name', 'psk_modes_missing', 'key_share_inconsistent']) {
    assert.ok(outcomes.has(outcome), outcome);
  }
});

test('damaged hellos are read or refused as the reference does', () => {
  const random = new Random(7);
  const corpus = seedHellos();
  for (let i = 0; i < MUTATIONS; i++) {
    const sample = mutate(random, corpus);
    assertAgree(sample.bytes, sample.form, sample.proto);
  }
});

test('hellos with too much of something are refused as the reference does', () => {
  const many = (count: number): number[] => Array.from({ length: count }, (_, i) => 0x4000 + i);
  const empty = new Uint8Array(0);
  const list = (count: number): Buffer => vector(2, ...many(count).map(u16));
  for (const [count, outcome] of [
    [512, 'complete'],
    [513, 'list_too_long'],
  ] as const) {
    assert.equal(assertAgree(helloMessage({ ciphers: many(count) }), 'handshake', 'tls'), outcome);
    for (const type of [10, 13]) {
      const hello = helloMessage({ extensions: [[type, list(count)]] });
      assert.equal(assertAgree(hello, 'handshake', 'tls'), outcome);
    }
  }
  for (const [count, outcome] of [
    [64, 'complete'],
    [65, 'extensions_too_many'],
    [512, 'extensions_too_many'],
    [513, 'list_too_long'],
  ] as const) {
    const hello = helloMessage({ extensions: many(count).map((type) => [type, empty] as const) });
    assert.equal(assertAgree(inRecords(hello), 'records', 'tls'), outcome);
  }
});

test('every real hello is read as the reference does', { skip: missing(HELLOS) }, () => {
  for (const row of readLines(HELLOS)) {
    assertAgree(Buffer.from(row.handshake_hex, 'hex'), 'handshake', row.proto);
    if (row.record_hex) assertAgree(Buffer.from(row.record_hex, 'hex'), 'records', row.proto);
  }
});

test('every hostile stream is read or refused as the reference does', { skip: missing(HOSTILE) }, () => {
  for (const row of readLines(HOSTILE)) {
    const stream = Buffer.from(row.wire_hex, 'hex');
    assertAgree(stream, 'records', 'tls');
    assertAgree(stream, 'records', 'dtls');
    assertAgree(stream, 'handshake', 'quic');
    assertAgree(stream, 'handshake', 'dtls');
  }
});
