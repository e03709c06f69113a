import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from '../fuzz/agreement.ts';
import { survey } from '../fuzz/programs.ts';

/** `scripts/fuzz.ts` runs many more. */
const SIZE = Number(process.env.FUZZ_SIZE ?? 1500);

test('the core decides random policies as the reference evaluator does', () => {
  const { pairs, tiers } = compare(SIZE, 1_000_003);
  assert.ok(pairs >= SIZE);
  assert.deepEqual(Object.keys(tiers).sort(), ['deny', 'exempt', 'forbid', 'ladder', 'pin']);
});

test('random and mutated programs are answered, and each error has its place', () => {
  const { programs, sound, codes } = survey(SIZE, 1_000_003);
  assert.equal(programs, SIZE);
  assert.ok(
    sound > SIZE / 20 && Object.keys(codes).length > 20,
    `${sound} sound, ${Object.keys(codes).length} codes`,
  );
});
