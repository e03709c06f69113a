import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { withResults } from '../../bench/lib/report.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the page of benchmarks shows every recorded result as it was recorded', () => {
  const page = read('docs/benchmarks.md');
  for (const file of readdirSync(new URL('../../bench/results/', import.meta.url))) {
    assert.ok(page.includes(`<!-- results: ${file.replace('.json', '')} -->`), `${file} is not on the page`);
  }
  assert.equal(withResults(page), page, 'a benchmark writes the page after it has run');
});
