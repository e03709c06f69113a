import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { withResults } from '../../bench/lib/report.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the page of benchmarks gets a table with the machine from each recorded result that it names', () => {
  const page = withResults(read('docs/benchmarks.md'));
  const blocks = [...page.matchAll(/<!-- results: ([a-z-]+) -->\n([\s\S]*?)<!-- end -->/g)];
  const files = readdirSync(new URL('../../bench/results/', import.meta.url));
  assert.ok(blocks.length >= 12);
  for (const [, name = '', block = ''] of blocks) {
    assert.ok(files.includes(`${name}.json`), `there is no result of ${name}`);
    assert.match(block, /^`npm run bench -- [a-z-]+.*` on \d+ × .*, Node v/, name);
    assert.match(block, /\n\|---/, name);
  }
  assert.equal(withResults(page), page);
});
