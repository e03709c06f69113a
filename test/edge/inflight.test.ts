import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { roomFor } from '../../src/edge/admission.ts';
import { createInflight, createInflightRow, Inflight } from '../../src/limit/inflight.ts';

const NO_LIMIT = Number.POSITIVE_INFINITY;

test('as many get in as a limit says, over all workers', () => {
  const memory = createInflight();
  const [one, two] = [new Inflight(memory, createInflightRow()), new Inflight(memory, createInflightRow())];
  assert.equal(one.enter('a', 2, NO_LIMIT), null);
  assert.equal(two.enter('b', 2, NO_LIMIT), null);
  assert.equal(one.enter('a', 2, NO_LIMIT), 'overall');
  two.leave('b');
  assert.equal(one.enter('c', 2, NO_LIMIT), null);
});

test('a policy’s own limit counts its handshakes alone', () => {
  const inflight = new Inflight(createInflight(), createInflightRow());
  assert.equal(inflight.enter('a', NO_LIMIT, 1), null);
  assert.equal(inflight.enter('a', NO_LIMIT, 1), 'own');
  assert.equal(inflight.enter('b', NO_LIMIT, 1), null);
  assert.equal(inflight.all, 2);
});

test('what a lost worker had under way is given back', () => {
  const memory = createInflight();
  const [lost, left] = [new Inflight(memory, createInflightRow()), new Inflight(memory, createInflightRow())];
  for (let i = 0; i < 3; i++) lost.enter('a', NO_LIMIT, 4);
  left.enter('a', NO_LIMIT, 4);
  lost.forget();
  assert.equal(left.all, 1);
  for (let i = 0; i < 3; i++) assert.equal(left.enter('a', NO_LIMIT, 4), null);
  assert.equal(left.enter('a', NO_LIMIT, 4), 'own');
});

test('whatever comes and goes, the counts are those of a map', () => {
  const step = fc.record({ policy: fc.constantFrom('a', 'b', 'c'), leaves: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const inflight = new Inflight(createInflight(), createInflightRow());
      const model = new Map<string, number>();
      const all = (): number => [...model.values()].reduce((sum, count) => sum + count, 0);
      for (const { policy, leaves } of steps) {
        const count = model.get(policy) ?? 0;
        if (leaves) {
          if (count > 0) inflight.leave(policy);
          model.set(policy, Math.max(0, count - 1));
          continue;
        }
        const expected = all() >= 5 ? 'overall' : count >= 3 ? 'own' : null;
        assert.equal(inflight.enter(policy, 5, 3), expected);
        if (expected === null) model.set(policy, count + 1);
      }
      assert.equal(inflight.all, all());
    }),
  );
});

test('the best score gets in up to the limit, the worst up to half of it, nobody is shut out for good', () => {
  assert.equal(roomFor(100, 0), 100);
  assert.equal(roomFor(100, 0.5), 75);
  assert.equal(roomFor(100, 1), 50);
  assert.equal(roomFor(1, 1), 1);
  assert.equal(roomFor(NO_LIMIT, 1), NO_LIMIT);
});
