import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { leastHelloBytes } from '../../src/edge/hello-length.ts';
import { captureHello, splitIntoRecords } from '../support/hello.ts';

const hello = await captureHello();

test('the beginning of a hello in one record tells its length', () => {
  for (const length of [9, 10, 100, hello.length - 1]) {
    assert.equal(leastHelloBytes(hello, length), hello.length);
  }
});

test('a record’s header is waited for first, then that of the message', () => {
  assert.equal(leastHelloBytes(hello, 1), 5);
  assert.equal(leastHelloBytes(hello, 4), 5);
  assert.equal(leastHelloBytes(hello, 5), 9);
  assert.equal(leastHelloBytes(hello, 7), 9);
});

test('however a hello is cut into records, no more than it comes to is waited for', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (sizes) => {
      let turn = 0;
      const bytes = splitIntoRecords(hello, () => sizes[turn++ % sizes.length]!);
      for (let length = 1; length < bytes.length; length += 7) {
        const least = leastHelloBytes(bytes, length);
        assert.ok(least > length && least <= bytes.length, `${length}: ${least} of ${bytes.length}`);
      }
    }),
    { numRuns: 100 },
  );
});

test('whatever the bytes are, the answer is more than there are and within what can be claimed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), (bytes) => {
      const least = leastHelloBytes(bytes, bytes.length);
      assert.ok(least > bytes.length && least <= bytes.length + 4 + 0xffffff);
    }),
  );
});
