import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { HoldingPen } from '../../src/edge/holding.ts';

function held(log: string[], name: string): { release(reason: string): void } {
  return { release: (reason) => log.push(`${name} ${reason}`) };
}

test('a full pen lets the oldest go to make room', () => {
  const log: string[] = [];
  const pen = new HoldingPen(2);
  for (const name of ['a', 'b', 'c']) pen.hold(held(log, name), 60_000);
  assert.deepEqual(log, ['a evicted']);
  assert.equal(pen.size, 2);
  assert.equal(pen.evicted, 1);
  pen.stop();
  assert.deepEqual(log, ['a evicted', 'b stopped', 'c stopped']);
});

test('a held connection is released once its time is over', async () => {
  const log: string[] = [];
  const pen = new HoldingPen(2);
  pen.hold(held(log, 'a'), 5);
  await delay(30);
  assert.deepEqual(log, ['a expired']);
  assert.equal(pen.size, 0);
});

test('a connection that went away by itself is not released', async () => {
  const log: string[] = [];
  const pen = new HoldingPen(2);
  const entry = held(log, 'a');
  pen.hold(entry, 5);
  pen.forget(entry);
  await delay(30);
  assert.deepEqual(log, []);
});
