import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecordCache } from '../../../src/profile/address/record-cache.ts';

test('a record is found as it was last set or not at all, however many there are', () => {
  const cache = new RecordCache<number>(15);
  const last = new Map<number, number>();
  let found = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0xffff_ffff }), fc.nat(), (record, value) => {
      cache.set(record, value);
      last.set(record, value);
      assert.equal(cache.get(record), value);
      for (const [each, expected] of last) {
        const kept = cache.get(each);
        if (kept !== undefined) found++;
        assert.ok(kept === undefined || kept === expected);
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(found > 0);
  for (let record = 1; record < 200_000; record++) cache.set(record, record);
  let kept = 0;
  for (let record = 1; record < 200_000; record++) if (cache.get(record) === record) kept++;
  assert.ok(kept > 25_000 && kept <= 32_768, `${kept} of 32,768 places`);
});
