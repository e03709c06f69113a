import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RateTable } from '../../src/limit/rate-table.ts';

const KEY = { hi: 1, lo: 2 };
const OTHER = { hi: 7, lo: 9 };
const START = 1_800_000_000_000;

test('a key that was never hit has rate 0', () => {
  assert.equal(new RateTable(RateTable.allocate(64)).rate(KEY, 1000, START), 0);
});

test('events of the current window count in full', () => {
  const table = new RateTable(RateTable.allocate(64));
  for (let i = 0; i < 5; i++) table.hit(KEY, 10_000, START);
  assert.equal(table.rate(KEY, 10_000, START), 500_000);
});

test('events of the window before count by the share still covered', () => {
  const table = new RateTable(RateTable.allocate(64));
  for (let i = 0; i < 8; i++) table.hit(KEY, 1000, START);
  assert.equal(table.rate(KEY, 1000, START + 1250), 6_000_000);
});

test('after two windows nothing is left', () => {
  const table = new RateTable(RateTable.allocate(64));
  table.hit(KEY, 1000, START);
  assert.equal(table.rate(KEY, 1000, START + 2000), 0);
});

test('keys do not mix', () => {
  const table = new RateTable(RateTable.allocate(64));
  table.hit(KEY, 1000, START);
  assert.equal(table.rate(OTHER, 1000, START), 0);
});

test('a worker whose clock lags neither loses nor resets the count', () => {
  const table = new RateTable(RateTable.allocate(64));
  table.hit(KEY, 1000, START + 1000);
  table.hit(KEY, 1000, START + 990);
  assert.equal(table.rate(KEY, 1000, START + 1000), 2_000_000);
});

test('a clock that was set back starts the count afresh', () => {
  const table = new RateTable(RateTable.allocate(64));
  table.hit(KEY, 1000, START);
  assert.equal(table.rate(KEY, 1000, START - 3_600_000), 0);
});

test('the rate is that of a plain two-window count', () => {
  const step = fc.record({ after: fc.integer({ min: 0, max: 1500 }), key: fc.integer({ min: 0, max: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 2000 }), (steps, windowMs) => {
      const table = new RateTable(RateTable.allocate(64));
      const events: { key: number; at: number }[] = [];
      let now = START;
      for (const { after, key } of steps) {
        now += after;
        table.hit({ hi: key, lo: key }, windowMs, now);
        events.push({ key, at: now });
        const start = Math.floor(now / windowMs) * windowMs;
        const own = events.filter((event) => event.key === key);
        const current = own.filter((event) => event.at >= start).length;
        const before = own.filter((event) => event.at < start && event.at >= start - windowMs).length;
        const share = 1 - (now % windowMs) / windowMs;
        const expected = Math.floor(((current + before * share) * 1e9) / windowMs);
        assert.equal(table.rate({ hi: key, lo: key }, windowMs, now), expected);
      }
    }),
  );
});

test('a full set gives up the key hit longest ago and counts it', () => {
  const table = new RateTable(RateTable.allocate(64));
  const keys = Array.from({ length: 1000 }, (_, i) => ({ hi: 0, lo: i * 7919 + 1 }));
  for (const [i, key] of keys.entries()) table.hit(key, 60_000, START + i);
  assert.equal(table.table.evictions, 1000 - 64);
  assert.ok(table.rate(keys.at(-1)!, 60_000, START + 1000) > 0);
  assert.equal(table.rate(keys[0]!, 60_000, START + 1000), 0);
});

test('entries that ended make room without an eviction', () => {
  const table = new RateTable(RateTable.allocate(64));
  for (let i = 0; i < 64; i++) table.hit({ hi: i, lo: i * 31 }, 1000, START);
  const before = table.table.evictions;
  for (let i = 100; i < 164; i++) table.hit({ hi: i, lo: i * 31 }, 1000, START + 5000 + (i - 100) * 3000);
  assert.equal(table.table.evictions, before);
});

test('a table of no slots is refused', () => {
  assert.throws(() => RateTable.allocate(0), RangeError);
  assert.throws(() => new RateTable(new SharedArrayBuffer(100)), RangeError);
});
