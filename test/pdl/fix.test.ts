import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suggest, suggestionIn } from '../../src/pdl/diagnostics/closest.ts';
import type { Diagnostic, Fix } from '../../src/pdl/diagnostics/diagnostic.ts';
import { applyEdits, fixAll, fixesOf } from '../../src/pdl/fix/fix.ts';
import { BASE, compileText } from './support.ts';

const check = (text: string): readonly Diagnostic[] => compileText(text).diagnostics;
const at = (line: number, column: number, endColumn = column) => ({
  file: 'main.pdl',
  line,
  column,
  endLine: line,
  endColumn,
});

test('a missing space is inserted, wherever there is one missing', () => {
  const broken = `${BASE}define d = client.cleared and(client.cleared or(not client.cleared))\n@allow "PDL-P001"\n`;
  const text = broken.replace('@allow "PDL-P001"\n', '');
  const fixed = fixAll('main.pdl', text, check);
  assert.match(fixed.text, /client\.cleared and \(client\.cleared or \(not client\.cleared\)\)/);
  assert.deepEqual(
    fixed.applied.map(({ code }) => code),
    ['PDL-G005', 'PDL-G005'],
  );
  assert.ok(fixed.diagnostics.every(({ severity }) => severity === 'warning'));
});

test('a direction control is taken out of a comment, and left in a string', () => {
  const text = `${BASE}# \u202eevil\u2066\nsecret k from env "K\u202e"\n`;
  const fixed = fixAll('main.pdl', text, check);
  assert.equal(fixed.text, text.replace('\u202eevil\u2066', 'evil'));
  assert.ok(fixed.diagnostics.some(({ code }) => code === 'PDL-G007'));
});

test('a text without safe fixes stays as it is', () => {
  const text = BASE.replace('on_error use low', 'on_error use lou');
  const fixed = fixAll('main.pdl', text, check);
  assert.equal(fixed.text, text);
  assert.deepEqual(fixed.applied, []);
});

test('a fix that makes more errors is taken back', () => {
  const harmful = (text: string): Diagnostic[] => {
    const base = { severity: 'error', message: '', help: '', ...at(1, 1, 2) } as const;
    const edits = [{ span: at(1, 1, 2), text: 'xx' }];
    const first = { ...base, code: 'A', fixes: [{ kind: 'safe' as const, title: '', edits }] };
    return text.startsWith('xx') ? [first, { ...base, code: 'B' }] : [first];
  };
  assert.deepEqual(fixAll('main.pdl', 'a b', harmful).text, 'a b');
});

test('fixes that never end are applied a bounded number of times', () => {
  const endless = (): Diagnostic[] => [
    {
      ...{ code: 'A', severity: 'warning', message: '', help: '', ...at(1, 1) },
      fixes: [{ kind: 'safe' as const, title: '', edits: [{ span: at(1, 1), text: 'x' }] }],
    },
  ];
  assert.ok(fixAll('main.pdl', '', endless).text.length < 100);
});

test('edits are made at their places, whatever their order', () => {
  const edits = [
    { span: at(2, 2, 3), text: 'X' },
    { span: at(1, 1), text: '>' },
    { span: { ...at(1, 3), endLine: 2, endColumn: 2 }, text: '' },
  ];
  assert.equal(applyEdits('ab\ncd', edits), '>abX');
});

test('a misspelt name is mended by the name that was meant, but not unasked', () => {
  const finding = check(BASE.replace('on_error use low', 'on_error use lwo')).find(
    ({ code }) => code === 'PDL-N001',
  )!;
  const [fix] = fixesOf(finding) as [Fix];
  assert.equal(fix.edits[0]!.text, 'low');
  assert.equal(fix.kind, 'maybe');
});

test('what `suggest` says can be read back', () => {
  assert.equal(suggestionIn(suggest('lwo', ['low', 'high'], 'no')), 'low');
  assert.equal(suggestionIn(suggest('x', ['low'], 'write `low`')), null);
});
