import assert from 'node:assert/strict';
import { cpSync, globSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compilePolicyFile } from '../../src/orchestrator/compile-policy.ts';

// why: feeds grow stale with the files of a clone; a copy is as fresh as what `sallyport new` writes.
const PACK = mkdtempSync(join(tmpdir(), 'sallyport-pack-'));
cpSync(fileURLToPath(new URL('../../policies/', import.meta.url)), PACK, { recursive: true });
after(() => rmSync(PACK, { recursive: true }));
const READY = globSync('*.pdl', { cwd: PACK }).sort();

test('the standard pack has the policies that its documentation names', () => {
  assert.deepEqual(READY, [
    'api-client-certs.pdl',
    'honeypot.pdl',
    'internal-mtls.pdl',
    'small-site.pdl',
    'three-tiers.pdl',
    'under-attack.pdl',
  ]);
});

for (const file of READY) {
  test(`policies/${file} compiles without a finding, and its tests hold`, () => {
    const { bundle, diagnostics, tests } = compilePolicyFile({
      path: join(PACK, file),
      host: null,
      purpose: 'check',
      env: {},
    });
    assert.deepEqual(diagnostics, []);
    assert.ok(bundle);
    assert.ok(tests.length >= 2 && tests.every(({ passed }) => passed));
  });
}

test('a feed that is too old to serve with is a warning to a check, and an error when serving', () => {
  const feed = join(PACK, 'feeds/revoked-sha256.txt');
  utimesSync(feed, 0, 0);
  const severities = (purpose: 'check' | 'serve'): string[] =>
    compilePolicyFile({ path: join(PACK, 'api-client-certs.pdl'), host: null, purpose, env: {} })
      .diagnostics.filter(({ code }) => code === 'FEED-004')
      .map(({ severity }) => severity);
  assert.deepEqual(severities('check'), ['warning']);
  assert.deepEqual(severities('serve'), ['error']);
});
