import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { isAudited } from '../../src/audit/selection.ts';
import { makeRecord } from '../support/record.ts';

const MODES = ['all', 'sampled', 'violations', 'none'] as const;

function audited(mode: (typeof MODES)[number], changes: Parameters<typeof makeRecord>[0] = {}): boolean {
  return isAudited(makeRecord({ log: { mode, percent: 0 }, ...changes }));
}

test('without a policy every connection is audited', () => {
  assert.equal(isAudited(makeRecord({ log: null })), true);
});

test('one that was turned away is audited whatever its policy says', () => {
  for (const mode of MODES) {
    for (const outcome of ['refused', 'reset', 'dropped', 'tarpitted', 'limited', 'over_capacity'] as const)
      assert.equal(audited(mode, { outcome }), true, `${mode} ${outcome}`);
    assert.equal(audited(mode, { action: 'refuse', outcome: 'drained' }), true);
  }
});

test('`violations` leaves out what was served, and keeps what failed', () => {
  assert.equal(audited('violations'), false);
  assert.equal(audited('violations', { outcome: 'handshake_failed' }), true);
  assert.equal(audited('violations', { challenge: { name: 'puzzle', outcome: 'failed' } }), true);
  assert.equal(audited('violations', { challenge: { name: 'puzzle', outcome: 'solved' } }), false);
});

test('`none` leaves out what failed, too', () => {
  assert.equal(audited('none'), false);
  assert.equal(audited('none', { outcome: 'handshake_failed' }), false);
});

test('`sampled` keeps about its share of what was served, and the same connections each time', () => {
  const log = { mode: 'sampled', percent: 25 } as const;
  const ids = Array.from({ length: 4_000 }, () => randomUUID());
  const kept = ids.filter((id) => isAudited(makeRecord({ id, log })));
  assert.ok(Math.abs(kept.length - 1_000) < 150, `${kept.length} of 4000`);
  for (const id of kept) assert.equal(isAudited(makeRecord({ id, log })), true);
});
