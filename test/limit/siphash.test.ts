import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SipHash } from '../../src/limit/siphash.ts';

/** Appendix A and vectors.h of the reference implementation: key 00..0f, messages of 0, 4, 8 and 12 bytes: 00, 01, 02, … */
const VECTORS = ['310e0edd47db6f72', 'b7877127e09427cf', '6224939a79f5f593', 'fbe50e86bc8f1e75'];

test('SipHash-2-4 gives the published hashes', () => {
  const hash = new SipHash(Uint8Array.from({ length: 16 }, (_, i) => i));
  const message = Buffer.from(Uint8Array.from({ length: 16 }, (_, i) => i));
  for (const [words, expected] of VECTORS.entries()) {
    hash.reset();
    for (let i = 0; i < words; i++) hash.word(message.readUInt32LE(i * 4));
    hash.finish();
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(hash.lo, 0);
    bytes.writeUInt32LE(hash.hi, 4);
    assert.equal(bytes.toString('hex'), expected, `a message of ${words * 4} bytes`);
  }
});

test('a key of another length is refused', () => {
  assert.throws(() => new SipHash(new Uint8Array(15)), RangeError);
});
