import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type H2Start, h2Text, readH2Start } from '../../src/profile/h2.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

function frame(type: number, payload: readonly number[] = [], stream = 0, flags = 0): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, Buffer.from(payload)]);
}

const settings = (...pairs: readonly (readonly [id: number, value: number])[]): Buffer =>
  frame(
    4,
    pairs.flatMap(([id, value]) => [id >> 8, id & 255, ...u32(value)]),
  );
const u32 = (value: number): number[] => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
const windowUpdate = (increment: number, stream = 0): Buffer => frame(8, u32(increment), stream);
const HEADERS = frame(1, [0x82], 1, 5);
const PSEUDO = [':method', 'GET', ':authority', 'x', ':scheme', 'https', ':path', '/', 'accept', '*/*'];

const text = (...frames: readonly Buffer[]): string =>
  h2Text(readH2Start(Buffer.concat([PREFACE, ...frames])) as H2Start, PSEUDO);

test('the beginning of a Chromium is written in Akamai’s form', () => {
  const start = settings([1, 65_536], [2, 0], [4, 6_291_456], [6, 262_144]);
  assert.equal(
    text(start, windowUpdate(15_663_105), HEADERS),
    '1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p',
  );
});

test('the priorities of an older Firefox are written in their order', () => {
  const priority = (stream: number, on: number, weight: number): Buffer =>
    frame(2, [...u32(on), weight - 1], stream);
  assert.equal(
    text(settings([1, 65_536]), windowUpdate(12_517_377), priority(3, 0, 201), priority(9, 7, 1), HEADERS),
    '1:65536|12517377|3:0:0:201,9:0:7:1|m,a,s,p',
  );
  assert.match(text(settings(), frame(2, [0x80, 0, 0, 5, 15], 3), HEADERS), /\|3:1:5:16\|/);
});

test('what a client does not send is 00 for the window and 0 for priorities', () => {
  assert.equal(text(settings([3, 100]), HEADERS), '3:100|00|0|m,a,s,p');
});

test('settings keep their order, and reserved ones are left out', () => {
  assert.match(text(settings([4, 1], [0x1a2a, 7], [1, 2]), HEADERS), /^4:1;1:2\|/);
});

test('frames of streams, and what comes after the request’s HEADERS, do not count', () => {
  assert.match(text(settings([1, 2]), windowUpdate(5, 1), HEADERS, windowUpdate(9)), /^1:2\|00\|/);
});

test('a beginning without HEADERS is known as far as it came, and says so', () => {
  const bytes = Buffer.concat([PREFACE, settings([1, 2]), windowUpdate(7)]);
  const start = readH2Start(bytes) as H2Start;
  assert.deepEqual(start, { settings: [[1, 2]], windowUpdate: 7, priorities: [], complete: false });
});

test('more bytes are asked for until the SETTINGS are whole', () => {
  const bytes = Buffer.concat([PREFACE, settings([1, 2], [3, 4])]);
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(readH2Start(bytes.subarray(0, length)), 'more', String(length));
  }
  assert.notEqual(readH2Start(bytes), 'more');
});

test('what is no HTTP/2, or does not begin with SETTINGS, is said to be none', () => {
  assert.equal(readH2Start(Buffer.from('GET / HTTP/1.1\r\n')), null);
  assert.equal(readH2Start(Buffer.concat([PREFACE, HEADERS])), null);
});

test('any bytes are answered, and with bounded lists', () => {
  const part = fc.oneof(
    fc.constantFrom(PREFACE, settings([1, 2]), windowUpdate(1), frame(2, [0, 0, 0, 0, 1], 3), HEADERS),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
      const start = readH2Start(Buffer.concat([PREFACE, ...parts]));
      if (start === null || start === 'more') return;
      assert.ok(start.settings.length <= 32 && start.priorities.length <= 16);
    }),
  );
});
