import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyHasher } from '../../src/limit/key.ts';

const SEED = Uint8Array.from({ length: 16 }, (_, i) => 255 - i);

function hash(fill: (hasher: KeyHasher) => void, namespace = 1, seed = SEED): string {
  const hasher = new KeyHasher(seed);
  hasher.begin(namespace);
  fill(hasher);
  hasher.end();
  return `${hasher.hi.toString(16)}-${hasher.lo.toString(16)}`;
}

const address = fc.uint8Array({ minLength: 16, maxLength: 16 });

test('addresses that differ only behind the prefix have one key', () => {
  fc.assert(
    fc.property(address, address, fc.integer({ min: 0, max: 128 }), (a, b, prefix) => {
      const mixed = a.map((byte, i) => {
        const kept = Math.min(8, Math.max(0, prefix - i * 8));
        const mask = (0xff00 >> kept) & 0xff;
        return (byte & mask) | (b[i]! & ~mask & 0xff);
      });
      assert.equal(
        hash((h) => h.ip(a, prefix)),
        hash((h) => h.ip(mixed, prefix)),
      );
    }),
  );
});

test('addresses that differ in the last bit of the prefix have two keys', () => {
  fc.assert(
    fc.property(address, fc.integer({ min: 1, max: 128 }), (a, prefix) => {
      const other = a.slice();
      other[(prefix - 1) >> 3]! ^= 0x80 >> ((prefix - 1) & 7);
      assert.notEqual(
        hash((h) => h.ip(a, prefix)),
        hash((h) => h.ip(other, prefix)),
      );
    }),
  );
});

test('one address under two prefix lengths has two keys', () => {
  const zero = new Uint8Array(16);
  assert.notEqual(
    hash((h) => h.ip(zero, 24)),
    hash((h) => h.ip(zero, 25)),
  );
});

test('where one text ends and the next begins matters', () => {
  const split = (...parts: string[]) =>
    hash((h) => {
      for (const part of parts) h.text(part);
    });
  assert.notEqual(split('ab', 'c'), split('a', 'bc'));
  assert.notEqual(split('ab'), split('ab', ''));
});

test('characters beyond 8 bits matter', () => {
  assert.notEqual(
    hash((h) => h.text('\u0141')),
    hash((h) => h.text('A')),
  );
});

test('a key within a key differs from an empty text and from zero', () => {
  const keys = [hash((h) => h.key({ hi: 0, lo: 0 })), hash((h) => h.text('')), hash((h) => h.number(0))];
  assert.equal(new Set(keys).size, 3);
});

test('numbers are told apart up to 53 bits', () => {
  const keys = [0, 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER].map((n) => hash((h) => h.number(n)));
  assert.equal(new Set(keys).size, 5);
});

test('namespace and seed each change the key', () => {
  const fill = (h: KeyHasher) => h.text('x');
  assert.notEqual(hash(fill, 1), hash(fill, 2));
  assert.notEqual(hash(fill, 1, SEED), hash(fill, 1, new Uint8Array(16)));
});

test('a hasher forgets the key before', () => {
  const hasher = new KeyHasher(SEED);
  for (const text of ['something else', 'x']) {
    hasher.begin(7);
    hasher.text(text);
    hasher.end();
  }
  assert.equal(
    `${hasher.hi.toString(16)}-${hasher.lo.toString(16)}`,
    hash((h) => h.text('x'), 7),
  );
});
