import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SipHash } from '../../src/limit/siphash.ts';

/** Appendix A and vectors.h of the reference implementation: key 00..0f, message 00, 01, 02, … */
const VECTORS = [
  '310e0edd47db6f72',
  'fd67dc93c539f874',
  '5a4fa9d909806c0d',
  '2d7efbd796666785',
  'b7877127e09427cf',
  '8da699cd64557618',
  'cee3fe586e46c9cb',
  '37d1018bf50002ab',
  '6224939a79f5f593',
  'b0e4a90bdf82009e',
  'f3b9dd94c5bb5d7a',
  'a7ad6b22462fb3f4',
  'fbe50e86bc8f1e75',
  '903d84c02756ea14',
  'eef27a8e90ca23f7',
  'e545be4961ca29a1',
];

test('SipHash-2-4 gives the published hashes', () => {
  const hash = new SipHash(Uint8Array.from({ length: 16 }, (_, i) => i));
  for (const [length, expected] of VECTORS.entries()) {
    hash.reset();
    for (let i = 0; i < length; i++) hash.byte(i);
    hash.finish();
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(hash.lo, 0);
    bytes.writeUInt32LE(hash.hi, 4);
    assert.equal(bytes.toString('hex'), expected, `a message of ${length} bytes`);
  }
});

test('a key of another length is refused', () => {
  assert.throws(() => new SipHash(new Uint8Array(15)), RangeError);
});
