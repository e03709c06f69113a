import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionSlots, collectLost, SLOT_BYTES } from '../../src/edge/slots.ts';

const ip = Uint8Array.from({ length: 16 }, (_, i) => i);

test('a worker at its limit takes no further connection', () => {
  const slots = new ConnectionSlots(new SharedArrayBuffer(SLOT_BYTES * 2));
  assert.notEqual(slots.take(ip, 1, 0, 1), -1);
  assert.notEqual(slots.take(ip, 2, 0, 1), -1);
  assert.equal(slots.take(ip, 3, 0, 1), -1);
  assert.equal(slots.open, 2);
});

test('a released slot is taken again', () => {
  const slots = new ConnectionSlots(new SharedArrayBuffer(SLOT_BYTES));
  slots.release(slots.take(ip, 1, 0, 1));
  assert.equal(slots.take(ip, 2, 0, 1), 0);
});

test('what a lost worker left open is collected once, with its facts', () => {
  const memory = new SharedArrayBuffer(SLOT_BYTES * 4);
  const slots = new ConnectionSlots(memory);
  slots.release(slots.take(ip, 1, 0, 1));
  const slot = slots.take(ip, 40_000, 3, 1_700_000_000_123);
  slots.holdDescriptor(slot, 17);
  assert.deepEqual(collectLost(memory), [
    { ip, port: 40_000, startedAtMs: 1_700_000_000_123, listener: 3, fd: 17 },
  ]);
  assert.deepEqual(collectLost(memory), []);
});
