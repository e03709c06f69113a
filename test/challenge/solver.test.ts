import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { solve } from '../../src/challenge/solver.ts';

function zeroBits(text: string): number {
  const bits = BigInt(`0x${hash('sha256', text)}`).toString(2);
  return 256 - bits.length;
}

test('what the solver finds is the first solution by Node’s SHA-256', () => {
  const token = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_'), maxLength: 140 });
  fc.assert(
    fc.property(
      token,
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 0, max: 10 ** 12 }),
      (text, bits, start) => {
        const nonce = Number(solve(text, bits, start, 1, 10_000));
        assert.ok(zeroBits(`${text}:${nonce}`) >= bits);
        for (let n = start; n < nonce; n++) assert.ok(zeroBits(`${text}:${n}`) < bits);
      },
    ),
    { numRuns: 200 },
  );
});

test('a search without a hit ends', () => {
  assert.equal(solve('x', 64, 0, 1, 100), null);
});

test('strides cover what one search covers', () => {
  const whole = solve('stride', 8, 0, 1, 100_000);
  const found = [0, 1, 2].map((first) => Number(solve('stride', 8, first, 3, 100_000)));
  assert.equal(Math.min(...found), Number(whole));
});

test('the solver refers to nothing outside of itself', () => {
  const alone = new Function(`return ${solve.toString()}`)() as typeof solve;
  assert.equal(alone('alone', 8, 0, 1, 10_000), solve('alone', 8, 0, 1, 10_000));
});
