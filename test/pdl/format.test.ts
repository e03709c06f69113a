import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { Report } from '../../src/pdl/diagnostics/diagnostic.ts';
import { format, sameTree } from '../../src/pdl/format/format.ts';
import { parse } from '../../src/pdl/syntax/parse.ts';
import { DESIGN, ReferenceGrammar, SKIP } from './grammar.ts';
import { BASE } from './support.ts';

function formatted(text: string): string {
  const { text: result, diagnostics } = format('main.pdl', text);
  assert.ok(result !== null, JSON.stringify(diagnostics[0]));
  return result;
}

/** What stands after `pdl 1`, before and after formatting. */
const CASES: readonly (readonly [name: string, before: string, after: string])[] = [
  ['blanks in a line become one', 'let   a=1', 'let a = 1'],
  ['entries on one line are two blanks apart', 'policy p {rank 1 log all}', 'policy p { rank 1  log all }'],
  ['declarations begin lines', 'let a = 1 let b = 2', 'let a = 1\nlet b = 2'],
  ['blank lines are kept, one in a row', '\n\n\nlet a = 1\n\n\n\nlet b = 2\n\n', '\nlet a = 1\n\nlet b = 2'],
  ['lines end without blanks', 'let a = 1  \t\n# c \t\nlet b = 2', 'let a = 1\n# c\nlet b = 2'],
  [
    'line breaks of other systems become plain',
    'let a = 1\r\n# c\r\nlet b = 2\r\n',
    'let a = 1\n# c\nlet b = 2',
  ],
  [
    'names next to each other align',
    'secret k from env "K"\nsecret long from file "f"',
    'secret k    from env  "K"\nsecret long from file "f"',
  ],
  ['a blank line ends an alignment', 'let a = 1\n\nlet bcd = 2', 'let a = 1\n\nlet bcd = 2'],
  [
    'a comment line does not end an alignment',
    'let a = 1\n# c\nlet bcd = 2',
    'let a   = 1\n# c\nlet bcd = 2',
  ],
  [
    'points of signals align',
    'score s {\nsignal a +5 when x\nsignal bc +10 when y\n}',
    'score s {\n  signal a  +5  when x\n  signal bc +10 when y\n}',
  ],
  [
    'the settings of a tls section are a table',
    'policy p {\ntls {\nprefer server\nversions tls1.2 .. tls1.3 locked\n} }',
    'policy p {\n  tls {\n    prefer   server\n    versions tls1.2..tls1.3 locked\n  }\n}',
  ],
  [
    'comments after code next to each other align',
    'let a = 1 # x\nlet b = 22 # y',
    'let a = 1   # x\nlet b = 22  # y',
  ],
  [
    'an own line in a block is indented',
    'policy p {\n      # c\n rank 1\n    # d\n  }',
    'policy p {\n  # c\n  rank 1\n  # d\n}',
  ],
  ['a block with a comment is broken', 'policy p { rank 1 # c\n}', 'policy p {\n  rank 1  # c\n}'],
  ['an empty block has one blank', 'policy p {\n\n}', 'policy p { }'],
  ['an empty list has one blank', 'policy p { limits [] }', 'policy p { limits [ ] }'],
  [
    'lists have blanks inside and after commas',
    'set s of country={NL ,BE,}',
    'set s of country = { NL, BE, }',
  ],
  [
    'a list that begins on a new line is indented',
    'set s of country = {\nNL,\n    BE }',
    'set s of country = {\n  NL,\n  BE\n}',
  ],
  [
    'a list that goes on lines up with its first item',
    'set s of country = { NL,\nBE\n}',
    'set s of country = { NL,\n                     BE }',
  ],
  [
    'a condition that goes on lines up with its start',
    'define d = a\nand b',
    'define d = a\n           and b',
  ],
  [
    'calls hold their parentheses tight, and keys do not',
    'define d = count ( hello.alpn )==0\ncounter c per conn.ip(v4 32,v6 64) window 1s',
    'define d = count(hello.alpn) == 0\ncounter c per conn.ip (v4 32, v6 64) window 1s',
  ],
  [
    'other parts that go on are indented',
    'prove "x" for s\nwhen a\nthen not challenged',
    'prove "x" for s\n  when a\n  then not challenged',
  ],
  [
    'an annotation keeps its own line',
    '@why "x"   @expires 2027-01-31\n   let a = 1',
    '@why "x"  @expires 2027-01-31\nlet a = 1',
  ],
  [
    'a stage may stand on its own line',
    'site s {\ncanary 5 % by conn.ip\nladder l\n}'.replace('5 %', '5%'),
    'site s {\n  canary 5% by conn.ip\n  ladder l\n}',
  ],
  ['ranges are written tight', 'define d = conn.port in 1 .. 9', 'define d = conn.port in 1..9'],
  [
    'entries of a block that begins on its line hang from the first',
    'test "x" for s {\ngiven {conn.port 1\nconn.ttl 2 }\nexpect { }\n}',
    'test "x" for s {\n  given { conn.port 1\n          conn.ttl 2 }\n  expect { }\n}',
  ],
  [
    'a row that is much wider than the others sticks out',
    'ruleset r {\ndeny a when x do drop\ndeny b when conn.country in { NL, BE, DE, FR } do drop\ndeny c when xyz do drop\n}',
    'ruleset r {\n  deny a when x   do drop\n  deny b when conn.country in { NL, BE, DE, FR } do drop\n  deny c when xyz do drop\n}',
  ],
];

for (const [name, before, after] of CASES) {
  test(`formatting: ${name}`, () => {
    assert.equal(formatted(`pdl 1\n${before}`), `pdl 1\n${after}\n`);
    assert.equal(formatted(`pdl 1\n${after}\n`), `pdl 1\n${after}\n`);
  });
}

test('a comment may stand between any two tokens, and stays there', () => {
  const text = BASE.replaceAll('"shop.example"', 'X');
  const parts = text.split(/(?<=[\s{}[\](),])/);
  for (let i = 2; i < parts.length; i++) {
    const commented = `${parts.slice(0, i).join('')} # here ${i}\n${parts.slice(i).join('')}`.replaceAll(
      'X',
      '"x"',
    );
    const report = new Report();
    parse('main.pdl', commented, report);
    if (report.hasErrors) continue;
    const result = formatted(commented);
    assert.ok(result.includes(`# here ${i}\n`));
    assert.equal(formatted(result), result);
  }
});

test('the form does not depend on the blanks within lines', () => {
  const blanks = fc.array(fc.constantFrom(' ', '   ', '\t', ' \t '), { minLength: 20, maxLength: 20 });
  const expected = formatted(BASE);
  fc.assert(
    fc.property(blanks, (spaces) => {
      let index = 0;
      const text = BASE.replaceAll(/(?<!") +(?!")/g, () => spaces[index++ % spaces.length]!);
      assert.equal(formatted(text), expected);
    }),
  );
});

test('programs made from the grammar keep every token and comment, and are formatted in one step', {
  skip: SKIP,
}, () => {
  const reference = new ReferenceGrammar();
  let count = 0;
  for (let seed = 0; seed < Number(process.env.PDL_PROGRAMS ?? 400); seed++) {
    const text = reference.program(seed);
    const { text: once, diagnostics } = format('main.pdl', text);
    assert.ok(
      diagnostics.every(({ code }) => code !== 'PDL-G009'),
      text,
    );
    if (once === null) continue;
    count++;
    assert.equal(formatted(once), once);
  }
  assert.ok(count > 200, `${count} formatted`);
});

test('the design’s files are formatted to the same trees, and the default pack to itself', {
  skip: SKIP,
}, () => {
  for (const path of globSync(`${DESIGN}**/*.pdl`)) {
    const text = readFileSync(path, 'utf8');
    const result = formatted(text);
    const tree = (of: string) => parse(path, of, new Report()).tree;
    assert.ok(sameTree(tree(text), text, tree(result), result));
    assert.equal(formatted(result), result);
    if (path.endsWith('04-three-tiers.pdl')) assert.equal(result, text);
  }
});

test('the policies of the standard pack are in canonical form', () => {
  for (const path of globSync(new URL('../../policies/**/*.pdl', import.meta.url).pathname)) {
    const text = readFileSync(path, 'utf8');
    assert.equal(formatted(text), text, path);
  }
});

test('trees that differ in a token, a comment or a construct are told apart', () => {
  const tree = (text: string) => parse('main.pdl', text, new Report()).tree;
  const same = (a: string, b: string): boolean => sameTree(tree(a), a, tree(b), b);
  assert.ok(same('pdl 1\nlet a = 1 # c\n', 'pdl  1 let a=1# c'));
  assert.ok(!same('pdl 1\nlet a = 1\n', 'pdl 1\nlet a = 2\n'));
  assert.ok(!same('pdl 1\nlet a = 1 # c\n', 'pdl 1\nlet a = 1 # d\n'));
  assert.ok(!same('pdl 1\nlet a = 1 # c\nlet b = 1\n', 'pdl 1\nlet a = 1\nlet b = 1 # c\n'));
  assert.ok(!same('pdl 1\ndefine a = x\n', 'pdl 1\ndefine a = (x)\n'));
});

test('characters at the end of a comment that look like blanks are kept', () => {
  assert.equal(
    formatted('pdl 1\nlet a = 1 # b\ufeff\u00a0\u2003 \t\n# c\u00a0'),
    'pdl 1\nlet a = 1  # b\ufeff\u00a0\u2003\n# c\u00a0\n',
  );
});

test('a text with a syntax error is left as it is, and the error is told', () => {
  const { text, diagnostics } = format('main.pdl', 'pdl 1\nlet a 1\n');
  assert.equal(text, null);
  assert.equal(diagnostics[0]?.code, 'PDL-G001');
});
