import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CompileOutcome, compilePolicyFile } from '../../src/orchestrator/compile-policy.ts';

const DESIGN = fileURLToPath(new URL('../../../shared/design/pdl/', import.meta.url));
const SKIP = existsSync(DESIGN) ? false : '../shared/design/pdl is not on this machine';
const FILES: readonly (readonly [file: string, tests: number])[] = [
  ['01-small-site.pdl', 3],
  ['02-api-mtls.pdl', 2],
  ['03-under-attack.pdl', 3],
  ['04-three-tiers.pdl', 2],
  ['std/tls.pdl', 0],
];

function open(file: string, purpose: 'check' | 'serve'): CompileOutcome {
  return compilePolicyFile({ path: `${DESIGN}${file}`, host: null, purpose, env: {} });
}

for (const [file, tests] of FILES) {
  test(`the design's ${file} checks, compiles and passes its tests`, { skip: SKIP }, () => {
    const { bundle, diagnostics, tests: results } = open(file, 'check');
    assert.deepEqual(
      diagnostics.filter(({ severity }) => severity === 'error'),
      [],
    );
    assert.ok(bundle);
    assert.equal(results.length, tests);
  });
}

test('what the engine cannot enforce is refused by name when serving', { skip: SKIP }, () => {
  const codes = (file: string): string[] =>
    open(file, 'serve')
      .diagnostics.filter(({ code }) => /^PDL-[IX]/.test(code) && code !== 'PDL-X008')
      .map(({ code, line }) => `${code} ${line}`);
  assert.deepEqual(codes('01-small-site.pdl'), ['PDL-X012 59']);
  assert.deepEqual(codes('02-api-mtls.pdl'), ['PDL-X009 15', 'PDL-X002 42']);
  assert.deepEqual(codes('std/tls.pdl'), ['PDL-I002 1']);
});

test('a site is one site for each combination of the states that it depends on', { skip: SKIP }, () => {
  const { program } = open('03-under-attack.pdl', 'check').bundle!;
  const site = program.sites.find(({ listeners }) => listeners.length > 0)!;
  const names = (site.forms?.sites ?? []).map((index) => {
    const form = program.sites[index]!;
    return [program.scores[form.score]!.name, program.policies[form.onError]!.name, form.rules.length];
  });
  assert.deepEqual(names, [
    ['shop.visitors', 'shop.polite', 1],
    ['shop.visitors', 'shop.polite', 1],
    ['siege_risk', 'walled', 4],
  ]);
  assert.deepEqual(
    program.modes.map(({ name, initial, states }) => [name, initial, states.map((state) => state.name)]),
    [['posture', 0, ['normal', 'elevated', 'siege']]],
  );
});
