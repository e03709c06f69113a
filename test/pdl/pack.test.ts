import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compilePolicyFile } from '../../src/orchestrator/compile-policy.ts';

const PACK = fileURLToPath(new URL('../../policies/', import.meta.url));
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
      path: `${PACK}${file}`,
      host: null,
      purpose: 'check',
      env: {},
    });
    // How old the examples' feeds are depends on when they were checked out.
    assert.deepEqual(
      diagnostics.filter(({ code }) => code !== 'FEED-004'),
      [],
    );
    assert.ok(bundle);
    assert.ok(tests.length >= 2 && tests.every(({ passed }) => passed));
  });
}
