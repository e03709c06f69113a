import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchWork } from '../../src/edge/batch-work.ts';

const MISSING = { file: '/does/not/exist.mmdb', kind: 'country' };

for (const [what, patienceMs] of [
  ['work that nobody waits for is done', 60_000],
  ['work that the processor does not come to in time is done as what somebody waits for', 1],
] as const) {
  test(what, async (t) => {
    const work = new BatchWork(patienceMs);
    t.after(() => work.close());
    assert.equal(await work.runQuietly(MISSING, 'database'), 'it does not exist');
  });
}

test('an error of work that nobody waits for is told, and the work not done again', async (t) => {
  const work = new BatchWork(60_000);
  t.after(() => work.close());
  await assert.rejects(work.runQuietly(null, 'database'), TypeError);
});
