/** The catalogue's own examples: what to avoid has the finding, what to prefer has not. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { page } from '../../scripts/generate-diagnostics.ts';
import { CATALOGUE, type CatalogueEntry } from '../../src/pdl/diagnostics/catalogue.ts';
import type { Diagnostic } from '../../src/pdl/diagnostics/diagnostic.ts';
import { renderDiagnostic } from '../../src/pdl/diagnostics/render.ts';
import { compileText, exampleFile } from './support.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const NOW = Date.UTC(2026, 10, 25);
function findingsOf(example: string): readonly Diagnostic[] {
  const { diagnostics, needs } = compileText(exampleFile(example), {}, 'main.pdl', { now: NOW, infos: true });
  return [...diagnostics, ...needs];
}

/** Findings of the same code and severity that some other example is meant to show. */
const own = ({ code }: CatalogueEntry, found: readonly Diagnostic[]): Diagnostic[] =>
  found.filter((diagnostic) => diagnostic.code === code);

for (const entry of CATALOGUE.values()) {
  if (entry.isSketch) continue;
  test(`${entry.code}: what to avoid has the finding, as it was last reviewed`, (t) => {
    const found = own(entry, findingsOf(entry.avoid));
    assert.ok(found.length > 0, JSON.stringify(findingsOf(entry.avoid), null, 1));
    assert.equal(found[0]!.severity, entry.severity);
    t.assert.snapshot(renderDiagnostic(found[0]!, exampleFile(entry.avoid), { color: false }));
  });
  test(`${entry.code}: what to prefer has not`, () => {
    const found = findingsOf(entry.prefer);
    assert.deepEqual(own(entry, found), []);
    const errors = found.filter(({ code, severity }) => severity === 'error' && !/^PDL-[XI]/.test(code));
    assert.deepEqual(errors, [], 'the better example is itself sound');
  });
}

test('every code that the language reports is in the catalogue, and no other', () => {
  const files = globSync(['src/pdl/**/*.ts', 'src/orchestrator/*.ts'], { cwd: ROOT });
  const sources = files
    .filter((file) => !/catalogue/.test(file))
    .map((file) => readFileSync(ROOT + file, 'utf8'));
  const used = new Set(sources.flatMap((text) => text.match(/PDL-[A-Z]\d{3}/g) ?? []));
  assert.deepEqual([...CATALOGUE.keys()].sort(), [...used].sort());
});

test('the page of findings is the catalogue’s, letter by letter', () => {
  const hint = 'run node scripts/generate-diagnostics.ts';
  assert.equal(readFileSync(`${ROOT}docs/diagnostics.md`, 'utf8'), page(), hint);
});
