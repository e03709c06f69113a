import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ClearanceTable } from '../../src/limit/clearance-table.ts';

const KEY = { hi: 1, lo: 2 };
const START = 1_800_000_000_000;

test('a key is cleared until its time and not at it', () => {
  const table = new ClearanceTable(ClearanceTable.allocate(64));
  assert.equal(table.isCleared(KEY, START), false);
  table.clear(KEY, START + 10, START);
  assert.equal(table.isCleared(KEY, START + 9), true);
  assert.equal(table.isCleared(KEY, START + 10), false);
});

test('a shorter clearance does not cut a longer one', () => {
  const table = new ClearanceTable(ClearanceTable.allocate(64));
  table.clear(KEY, START + 1000, START);
  table.clear(KEY, START + 10, START);
  assert.equal(table.isCleared(KEY, START + 999), true);
});

test('a key is claimed once until its time', () => {
  const table = new ClearanceTable(ClearanceTable.allocate(64));
  assert.equal(table.claim(KEY, START + 10, START), true);
  assert.equal(table.claim(KEY, START + 10, START + 5), false);
  assert.equal(table.claim(KEY, START + 20, START + 10), true);
});

test('the key 0 is a key like any other', () => {
  const table = new ClearanceTable(ClearanceTable.allocate(64));
  const zero = { hi: Math.imul(1, 0x9e3779b1) >>> 0, lo: 0 };
  assert.equal(table.isCleared(zero, START), false);
  table.clear(zero, START + 10, START);
  assert.equal(table.isCleared(zero, START), true);
});

test('clearances are those of a map, in hundredths of a second', () => {
  const key = fc.integer({ min: 0, max: 7 });
  const step = fc.record({
    key,
    lasts: fc.integer({ min: 1, max: 50 }).map((ticks) => ticks * 10),
    after: fc.integer({ min: 0, max: 30 }).map((ticks) => ticks * 10),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const table = new ClearanceTable(ClearanceTable.allocate(64));
      const model = new Map<number, number>();
      let now = START;
      for (const { key, lasts, after } of steps) {
        now += after;
        const id = { hi: 5, lo: key };
        assert.equal(table.isCleared(id, now), (model.get(key) ?? 0) > now);
        table.clear(id, now + lasts, now);
        model.set(key, Math.max(model.get(key) ?? 0, now + lasts));
      }
    }),
  );
});
