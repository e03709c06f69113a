import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BucketTable } from '../../src/limit/bucket-table.ts';

const KEY = { hi: 1, lo: 2 };
const OTHER = { hi: 7, lo: 9 };
const START = 1_800_000_000_000;

test('a fresh bucket gives its burst and no more', () => {
  const table = new BucketTable(BucketTable.allocate(64));
  const granted = Array.from({ length: 5 }, () => table.take(KEY, 1, 1000, 3, START));
  assert.deepEqual(granted, [true, true, true, false, false]);
});

test('an empty bucket gives one token after one interval', () => {
  const table = new BucketTable(BucketTable.allocate(64));
  for (let i = 0; i < 3; i++) table.take(KEY, 2, 1000, 3, START);
  assert.equal(table.take(KEY, 2, 1000, 3, START + 499), false);
  assert.equal(table.take(KEY, 2, 1000, 3, START + 500), true);
  assert.equal(table.take(KEY, 2, 1000, 3, START + 500), false);
});

test('keys do not mix', () => {
  const table = new BucketTable(BucketTable.allocate(64));
  assert.equal(table.take(KEY, 1, 1000, 1, START), true);
  assert.equal(table.take(OTHER, 1, 1000, 1, START), true);
});

test('a worker whose clock lags draws from the same bucket', () => {
  const table = new BucketTable(BucketTable.allocate(64));
  assert.equal(table.take(KEY, 1, 1000, 1, START), true);
  assert.equal(table.take(KEY, 1, 1000, 1, START - 5), false);
});

test('a clock that was set back does not lock anyone out', () => {
  const table = new BucketTable(BucketTable.allocate(64));
  table.take(KEY, 1, 1000, 1, START);
  assert.equal(table.take(KEY, 1, 1000, 1, START - 3_600_000), true);
});

test('fast limits keep their precision', () => {
  const table = new BucketTable(BucketTable.allocate(64));
  let granted = 0;
  for (let ms = 0; ms < 100; ms++) {
    for (let i = 0; i < 1500; i++) if (table.take(KEY, 1_000_000, 1000, 1000, START + ms)) granted++;
  }
  assert.equal(granted, 100 * 1000);
});

test('what is granted is that of an exact bucket', () => {
  const waits = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 100 });
  const perMs = fc.constantFrom(1000, 1024, 60_000);
  fc.assert(
    fc.property(
      waits,
      fc.integer({ min: 1, max: 20 }),
      perMs,
      fc.integer({ min: 1, max: 10 }),
      (steps, tokens, per, burst) => {
        const table = new BucketTable(BucketTable.allocate(64));
        // why: in units of 1/per of a token all numbers are integers.
        let available = BigInt(burst * per);
        let now = START;
        for (const wait of steps) {
          now += wait;
          available += BigInt(wait * tokens);
          if (available > BigInt(burst * per)) available = BigInt(burst * per);
          const expected = available >= BigInt(per);
          if (expected) available -= BigInt(per);
          assert.equal(table.take(KEY, tokens, per, burst, now), expected);
        }
      },
    ),
  );
});
