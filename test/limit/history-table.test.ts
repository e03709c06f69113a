import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HISTORY_COUNTS, HistoryTable } from '../../src/limit/history-table.ts';

const KEY = { hi: 1, lo: 2 };
const START = 1_800_000_000_000;
const WINDOW = 10_000;

function fresh(slots = 64): HistoryTable {
  return new HistoryTable(HistoryTable.allocate(slots), WINDOW);
}

test('a key that was never counted is not known', () => {
  assert.equal(fresh().read(KEY, START), null);
  assert.equal(fresh().count(KEY, 'handshakes', START), 0);
});

test('each count stands by itself', () => {
  const table = fresh();
  HISTORY_COUNTS.forEach((count, index) => {
    table.add(KEY, count, START, index + 1);
  });
  const entry = table.read(KEY, START)!;
  assert.deepEqual(
    HISTORY_COUNTS.map((count) => entry[count]),
    HISTORY_COUNTS.map((_, index) => index + 1),
  );
});

test('the first sight stays, and the last solved challenge is noted', () => {
  const table = fresh();
  table.add(KEY, 'failures', START);
  table.add(KEY, 'solved', START + 5_000);
  table.add(KEY, 'solved', START + 9_000);
  table.add(KEY, 'handshakes', START + 9_500);
  const entry = table.read(KEY, START + 9_500)!;
  assert.equal(entry.firstSeenMs, START);
  assert.equal(entry.solvedAtMs, START + 9_000);
});

test('what happened in the last window is never rounded to nothing', () => {
  const table = fresh();
  table.add(KEY, 'handshakes', START);
  assert.equal(table.count(KEY, 'handshakes', START + 2 * WINDOW - 1), 1);
  assert.equal(table.count(KEY, 'handshakes', START + 2 * WINDOW), 0);
});

test('a key that was silent for two windows is forgotten', () => {
  const table = fresh();
  table.add(KEY, 'handshakes', START);
  assert.notEqual(table.read(KEY, START + 2 * WINDOW - 10), null);
  assert.equal(table.read(KEY, START + 2 * WINDOW), null);
});

test('the counts are those of plain lists of events', () => {
  const step = fc.record({
    after: fc.integer({ min: 0, max: WINDOW / 2 }),
    key: fc.integer({ min: 0, max: 3 }),
    count: fc.constantFrom(...HISTORY_COUNTS),
    amount: fc.integer({ min: 1, max: 1000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = fresh();
      const events: { key: number; count: string; at: number; amount: number }[] = [];
      let now = START;
      for (const { after, key, count, amount } of steps) {
        now += after;
        table.add({ hi: key, lo: key }, count, now, amount);
        events.push({ key, count, at: now, amount });
        const start = Math.floor(now / WINDOW) * WINDOW;
        const sum = (from: number, to: number): number =>
          events
            .filter(
              (event) => event.key === key && event.count === count && event.at >= from && event.at < to,
            )
            .reduce((total, event) => total + event.amount, 0);
        const share = 1 - (now % WINDOW) / WINDOW;
        const expected = Math.ceil(sum(start - WINDOW, start) * share + sum(start, now + 1));
        assert.equal(table.count({ hi: key, lo: key }, count, now), expected);
      }
    }),
  );
});
