import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RateTable } from '../../src/limit/rate-table.ts';
import { createTable, SharedTable } from '../../src/limit/shared-table.ts';

const NOW = 1_800_000_000_000;
const KEY = { hi: 3, lo: 4 };

/** The lock words lie after the header, one for each set of eight. */
function lockAll(memory: SharedArrayBuffer, slots: number, stampMs: number): void {
  new Int32Array(memory).fill(Math.trunc(stampMs % 0x3fffffff) + 1, 8, 8 + slots / 8);
}

test('a lock whose holder was terminated is taken over after a second, and what came before is counted as lost', () => {
  const memory = RateTable.allocate(64);
  lockAll(memory, 64, NOW);
  const table = new RateTable(memory);
  table.hit(KEY, 60_000, NOW + 500);
  assert.equal(table.rate(KEY, 60_000, NOW + 1000), 0);
  assert.equal(table.table.lost, 1);
  table.hit(KEY, 60_000, NOW + 2000);
  assert.ok(table.rate(KEY, 60_000, NOW + 2000) > 0);
});

test('what there is already is counted while its set is locked', () => {
  const memory = RateTable.allocate(64);
  const table = new RateTable(memory);
  table.hit(KEY, 1000, NOW);
  lockAll(memory, 64, NOW);
  table.hit(KEY, 1000, NOW);
  assert.equal(table.rate(KEY, 1000, NOW), 2e6);
  assert.equal(table.table.lost, 0);
});

test('an entry lives until its time and is found by no other key', () => {
  const table = new SharedTable(createTable(64, 2), 2);
  const entry = table.claim(KEY, NOW, NOW + 100, 7);
  assert.equal(table.find(KEY, NOW + 90), entry);
  assert.equal(table.find(KEY, NOW + 100), -1);
  assert.equal(table.find({ hi: 4, lo: 3 }, NOW), -1);
  assert.equal(Atomics.load(table.words, table.at(entry, 1)), 7);
});

test('entries come back as they were saved, in a table of another size too', () => {
  const saved = fc.array(fc.record({ lo: fc.nat(), hi: fc.nat(), value: fc.integer() }), { maxLength: 40 });
  fc.assert(
    fc.property(saved, fc.constantFrom(64, 512), (entries, slots) => {
      const from = new SharedTable(createTable(4096, 1), 1);
      for (const { lo, hi, value } of entries) from.claim({ hi, lo }, NOW, NOW + 60_000, value);
      const to = new SharedTable(createTable(slots * 8, 1), 1);
      for (const entry of from.entries(NOW, 0, from.slots)) assert.equal(to.restore(entry, NOW), true);
      for (const { lo, hi } of entries) {
        const [a, b] = [from.find({ hi, lo }, NOW), to.find({ hi, lo }, NOW)];
        assert.equal(to.words[to.at(b, 0)], from.words[from.at(a, 0)]);
        assert.equal(to.find({ hi, lo }, NOW + 60_000), -1);
      }
      assert.equal(to.used, from.used);
    }),
  );
});

test('an entry that was restored is as old as it was, and makes room first', () => {
  const table = new SharedTable(createTable(64, 0), 0);
  const set = Array.from({ length: 1000 }, (_, i) => ({ hi: 0, lo: 8 * i + 8 }));
  for (const key of set.slice(0, 7)) table.claim(key, NOW, NOW + 1e6, 0);
  table.restore({ key: set[7]!, ageMs: 3_600_000, leftMs: 1e6, values: new Int32Array(0) }, NOW);
  table.claim(set[8]!, NOW, NOW + 1e6, 0);
  assert.equal(table.find(set[7]!, NOW), -1);
  assert.equal(table.evictions, 1);
});
