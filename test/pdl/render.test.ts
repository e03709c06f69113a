import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Diagnostic, Report } from '../../src/pdl/diagnostics/diagnostic.ts';
import { renderDiagnostic } from '../../src/pdl/diagnostics/render.ts';
import { parse } from '../../src/pdl/syntax/parse.ts';

const TEXT = 'pdl 1\n\tset a of cidr = { }\nset a of cidr = { }\n';
const DIAGNOSTIC: Diagnostic = {
  code: 'PDL-N002',
  severity: 'error',
  message: '`a` is declared twice',
  file: 'x.pdl',
  line: 3,
  column: 5,
  endLine: 3,
  endColumn: 6,
  help: 'give one of them another name',
  labels: [
    {
      span: { file: 'x.pdl', line: 2, column: 6, endLine: 2, endColumn: 7 },
      text: 'declared here first',
    },
  ],
};

test('a diagnostic is drawn with its place, source lines, underlines and help', () => {
  assert.equal(
    renderDiagnostic(DIAGNOSTIC, TEXT, { color: false }),
    [
      'error[PDL-N002]: `a` is declared twice',
      ' ┌─ x.pdl:3:5',
      '2 │     set a of cidr = { }',
      '  │         - declared here first',
      '3 │ set a of cidr = { }',
      '  │     ^',
      '  help: give one of them another name',
    ].join('\n'),
  );
});

test('colours only add escape sequences', () => {
  const colored = renderDiagnostic(DIAGNOSTIC, TEXT, { color: true });
  assert.ok(colored.includes('\u001b[1;31m'));
  const styles = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g');
  assert.equal(colored.replaceAll(styles, ''), renderDiagnostic(DIAGNOSTIC, TEXT, { color: false }));
});

test('a diagnostic without source text still shows its place', () => {
  const text = renderDiagnostic({ ...DIAGNOSTIC, labels: [] }, '', { color: false });
  assert.ok(text.includes('┌─ x.pdl:3:5'));
  assert.ok(!text.includes('^'));
});

test('two places on one line share a row, and what the first one says comes below', () => {
  const span = { file: 'x.pdl', line: 2, column: 6, endLine: 2, endColumn: 7 };
  const place = { line: 2, column: 11, endLine: 2, endColumn: 15 };
  const both: Diagnostic = {
    ...DIAGNOSTIC,
    ...place,
    label: 'of this type',
    labels: [{ span, text: 'the set' }],
  };
  assert.deepEqual(renderDiagnostic(both, TEXT, { color: false }).split('\n').slice(2, 5), [
    '2 │     set a of cidr = { }',
    '  │         -    ^^^^ of this type',
    '  │         the set',
  ]);
});

test('a place in another file becomes a note', () => {
  const span = { file: 'y.pdl', line: 7, column: 1, endLine: 7, endColumn: 2 };
  const text = renderDiagnostic({ ...DIAGNOSTIC, labels: [{ span, text: 'first' }] }, TEXT, { color: false });
  assert.ok(text.includes('  = y.pdl:7:1: first'));
});

test('notes, fixes and the way to silence a finding are drawn below the source', () => {
  const fixes = ['`5/s`', '`5/m`'].map((title) => ({ kind: 'pick' as const, title, edits: [] }));
  const text = renderDiagnostic({ ...DIAGNOSTIC, notes: ['one:\n  two'], fixes, canBeIntended: true }, TEXT, {
    color: false,
  });
  assert.deepEqual(text.split('\n').slice(-4), [
    '  = one:',
    '        two',
    '  fix (pick one): `5/s` · `5/m`',
    '  if intended: @allow "PDL-N002" @why "…"',
  ]);
});

test('controls in a file are shown as signs and never reach the terminal', () => {
  const text = 'pdl 1\nlet a = \u001b]0;title\u0007\u202e\n';
  const report = new Report();
  parse('main.pdl', text, report);
  const drawn = report.sorted().map((diagnostic) => renderDiagnostic(diagnostic, text, { color: false }));
  assert.match(drawn[0]!, /let a = \ufffd\]0;title\ufffd\ufffd/);
  assert.ok(['\u001b', '\u0007', '\u202e'].every((control) => !drawn.join('').includes(control)));
});
