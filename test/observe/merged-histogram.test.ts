import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { addTo, emptyDistribution, MergedHistogram } from '../../src/observe/merged-histogram.ts';

const BUCKETS = [0, 0.5, 1, 10];
const ABOUT = { name: 'pace', help: 'How fast.', labels: ['kind'], buckets: BUCKETS };

test('merged distributions read as if every value had been observed one by one', async () => {
  const values = fc.array(
    fc.record({ kind: fc.constantFrom('a', 'b'), value: fc.integer({ min: -4, max: 48 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(values, { maxLength: 6 }), async (parts) => {
      const merged = new Registry();
      const histogram = new MergedHistogram(ABOUT, merged);
      const reference = new Registry();
      const { name, help } = ABOUT;
      const one = new Histogram({
        name,
        help,
        buckets: BUCKETS,
        labelNames: ['kind'],
        registers: [reference],
      });
      for (const part of parts) {
        const kinds = new Set(part.map(({ kind }) => kind));
        for (const kind of kinds) {
          const distribution = emptyDistribution(BUCKETS);
          for (const each of part) if (each.kind === kind) addTo(distribution, BUCKETS, each.value / 4);
          histogram.merge([kind], distribution);
        }
        for (const { kind, value } of part) one.observe({ kind }, value / 4);
      }
      const lines = async (registry: Registry): Promise<string[]> =>
        (await registry.metrics()).split('\n').sort();
      assert.deepEqual(await lines(merged), await lines(reference));
    }),
    { numRuns: 50 },
  );
});

test('a histogram without labels is there before its first value', async () => {
  const registry = new Registry();
  new MergedHistogram({ ...ABOUT, labels: [] }, registry);
  assert.match(await registry.metrics(), /^pace_bucket\{le="\+Inf"\} 0$/m);
});
