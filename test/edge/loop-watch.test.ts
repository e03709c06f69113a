import { test } from 'node:test';
import { LoopWatch } from '../../src/edge/loop-watch.ts';
import { until } from '../support/until.ts';

test('a loop that stood still is told of, by how long', async (t) => {
  const watch = new LoopWatch();
  t.after(() => watch.close());
  await until('it has looked', () => watch.longest >= 0);
  const end = performance.now() + 200;
  while (performance.now() < end);
  await until('the stall is seen', () => watch.longest > 150);
});
