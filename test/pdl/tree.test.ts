import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Diagnostic, Report } from '../../src/pdl/diagnostics/diagnostic.ts';
import type { FileNode } from '../../src/pdl/syntax/ast.ts';
import { parse } from '../../src/pdl/syntax/parse.ts';
import { isNode, type SyntaxNode, tokensOf } from '../../src/pdl/syntax/tree.ts';
import { DESIGN, ReferenceGrammar, SKIP, variants } from './grammar.ts';
import { BASE } from './support.ts';

function read(text: string): { file: FileNode; found: readonly Diagnostic[] } {
  const report = new Report();
  const file = parse('main.pdl', text, report);
  return { file, found: report.sorted() };
}

/** The text that a tree's tokens hold, with what stands before each. */
function textOf(tree: SyntaxNode, text: string): string {
  return [...tokensOf(tree)].map(({ lead, end }) => text.slice(lead, end)).join('');
}

/** Kinds of nodes, nested. */
function shape(node: SyntaxNode): string {
  const inner = node.children.filter(isNode).map(shape);
  return inner.length === 0 ? node.kind : `${node.kind}(${inner.join(' ')})`;
}

const PIECES = [
  'policy p { ',
  'site s {',
  '}',
  '"',
  '"x"',
  '# c\n',
  '\n',
  ' ',
  'when ',
  'not ',
  '(',
  '@why',
  '\r',
];
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(fc.constantFrom(...PIECES, 'é', '5x', '..', 'pdl 1\n', 'use a\n'), { maxLength: 60 })
    .map((p) => p.join('')),
  fc
    .tuple(fc.nat(BASE.length), fc.string({ maxLength: 5 }))
    .map(([at, s]) => BASE.slice(0, at) + s + BASE.slice(at + 3)),
);

test('the tree holds all of a text, whatever the text', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.equal(textOf(read(text).file.tree, text), text);
    }),
    { numRuns: 500 },
  );
});

test('the tree holds all of the design’s files and of their variants', { skip: SKIP }, () => {
  for (const path of globSync(`${DESIGN}**/*.pdl`)) {
    const text = readFileSync(path, 'utf8');
    let index = 0;
    for (const variant of [text, ...variants(text)]) {
      if (index++ % 37 !== 0) continue;
      assert.equal(textOf(read(variant).file.tree, variant), variant);
    }
  }
});

test('the tree holds all of programs made from the grammar', { skip: SKIP }, () => {
  const reference = new ReferenceGrammar();
  for (let seed = 0; seed < 100; seed++) {
    const text = reference.program(seed);
    assert.equal(textOf(read(text).file.tree, text), text);
  }
});

test('a file cut off anywhere is read to its end, with a diagnostic or none', () => {
  for (let length = 0; length < BASE.length; length += 3) {
    const text = BASE.slice(0, length);
    assert.equal(textOf(read(text).file.tree, text), text);
  }
});

test('constructs are nested as they are written', () => {
  const { file } = read('pdl 1\n@why "x" limit f { per conn.ip (v4 32, v6 64)  allow 5/s  then drop }\n');
  assert.equal(
    shape(file.tree),
    'file(header(value) declaration(annotation(name value) name block(entry(key(fact value value)) entry(value) entry(verdict))))',
  );
});

test('after an error in one entry the others of its block are read', () => {
  const { file, found } = read(
    'pdl 1\nscore s {\n  clamp 0..100\n  signal a + when x\n  signal b +1 when y\n}\n',
  );
  assert.deepEqual(
    found.map(({ code, line }) => [code, line]),
    [['PDL-G001', 4]],
  );
  const [score] = file.declarations;
  assert.ok(score?.kind === 'score' && score.entries.length === 2 && score.damaged);
});

test('several declarations with errors give a diagnostic each in one run', () => {
  const { found } = read('pdl 1\nlet a 1\nset b of cdir = { }\nsecret c from envv "X"\nlet d = 1\n');
  assert.deepEqual(
    found.map(({ line }) => line),
    [2, 3, 4],
  );
});

test('a letter that looks like another is named, with its code point and what was meant', () => {
  const [first] = read('pdl 1\nset bl\u043ecked of cidr = { }\n').found;
  assert.equal(first?.code, 'PDL-G004');
  assert.match(first.message, /U\+043E.* looks like `o`/);
  assert.equal(first.fixes?.[0]?.edits[0]?.text, 'o');
});

test('a character of two UTF-16 units is one character', () => {
  const [first] = read('pdl 1\n\u{1f600} let a = 1\n').found;
  assert.match(first!.message, /U\+1F600/);
  assert.equal(first!.endColumn - first!.column, 2);
});

test('direction controls and invisible characters are pointed at in comments and strings', () => {
  const text = 'pdl 1\n# a \u202e b\nlet a = "x\u200by" # \u2066\nlet b = "\u0000"\n';
  assert.deepEqual(
    read(text).found.map(({ code, severity, line, column }) => [code, severity, line, column]),
    [
      ['PDL-G007', 'warning', 2, 5],
      ['PDL-G007', 'warning', 3, 11],
      ['PDL-G007', 'warning', 3, 17],
      ['PDL-G007', 'warning', 4, 10],
    ],
  );
});

test('text in other scripts is welcome in comments and strings', () => {
  assert.deepEqual(read('pdl 1\n# Привет, 世界 — ñ\nlet a = "naïve 😀"\n').found, []);
});

test('a file that is too long is not read', () => {
  const { found } = read(`pdl 1\n${'let a = 1\n'.repeat(1_000_000)}`);
  assert.deepEqual(
    found.map(({ code }) => code),
    ['PDL-G008'],
  );
});

test('text that nests too deep is an error, not a crash', () => {
  for (const text of [
    `define a = ${'('.repeat(100_000)}`,
    `define a = ${'not '.repeat(100_000)}b`,
    `site s { ${'during a b { '.repeat(100_000)}`,
    '{'.repeat(500_000),
  ]) {
    const { found } = read(`pdl 1\n${text}`);
    assert.ok(found.length > 0 && found.every(({ code }) => code.startsWith('PDL-G')));
  }
});

test('a file of errors gives a bounded number of diagnostics', () => {
  const { found } = read(`pdl 1\n${'set\n'.repeat(100_000)}`);
  assert.equal(found.length, 200);
});

test('binary data is an error, however many warnings it gives', () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7919 + (index >> 3)) & 0xff);
  assert.ok(read(new TextDecoder().decode(bytes)).found.some(({ severity }) => severity === 'error'));
});
