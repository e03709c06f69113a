/** Files that no author means: each is answered with diagnostics, and nothing is thrown. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeProgram } from '../../src/core/image.ts';
import { BASE, compileText, errorsOf } from './support.ts';

const PACK = readFileSync(new URL('../../policies/three-tiers.pdl', import.meta.url), 'utf8');
const codes = (text: string): string[] => errorsOf(compileText(text)).map(({ code }) => code);
const inSite = (rules: string): string => `${BASE.slice(0, -2)}${rules}\n}\n`;

test('a file that ends anywhere is an error there, or a shorter policy', () => {
  for (let length = 0; length < PACK.length; length += 7) {
    const { program, diagnostics } = compileText(PACK.slice(0, length));
    assert.equal(
      program === null,
      diagnostics.some(({ severity }) => severity === 'error'),
    );
  }
});

test('an empty file is told to begin with the edition', () => {
  assert.deepEqual(codes(''), ['PDL-G001']);
});

test('binary is answered with a bounded number of findings', () => {
  const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 256));
  const { diagnostics } = compileText(bytes.toString('latin1'));
  assert.ok(diagnostics.length > 0 && diagnostics.length <= 400, `${diagnostics.length} findings`);
});

test('ten megabytes are refused unread', () => {
  assert.deepEqual(codes(`${BASE}${'# padding\n'.repeat(1_048_576)}`).slice(0, 1), ['PDL-G008']);
});

test('ten thousand rules are one error that names the bound', () => {
  const rules = Array.from(
    { length: 10_000 },
    (_, index) => `  deny r${index} when conn.port == ${index} do drop`,
  );
  const found = errorsOf(compileText(inSite(rules.join('\n'))));
  assert.deepEqual(
    found.map(({ code }) => code),
    ['PDL-B003'],
  );
  assert.match(found[0]!.message, /10000 rules, and 1024 is the most/);
});

test('a condition that nests without end is an error, not a full stack', () => {
  const deep = `${'('.repeat(5000)}hello.grease${')'.repeat(5000)}`;
  assert.deepEqual(codes(inSite(`  deny x when ${deep} do drop`)), ['PDL-G001']);
  assert.deepEqual(codes(inSite(`  deny x when ${'not '.repeat(5000)}hello.grease do drop`)), ['PDL-G001']);
});

/** Declarations that each need the next one, and the last one. */
const chain = (count: number, link: (index: number) => string, last: string): string =>
  `${BASE}secret k from env "K"\n${Array.from({ length: count }, (_, index) => link(index)).join('\n')}\n${last}\n`;
const POW = 'kind pow  difficulty 8  solve_within 3s  clears for 1h per conn.ip  secret k';

test('a chain of thousands of declarations is an error, not a full stack', () => {
  const chains = [
    chain(5000, (i) => `define d${i} = not d${i + 1}`, 'define d5000 = hello.grease'),
    chain(5000, (i) => `set d${i} of cidr = d${i + 1}`, 'set d5000 of cidr = { 192.0.2.0/24 }'),
    chain(5000, (i) => `policy d${i} extends d${i + 1} { }`, 'policy d5000 extends low { }'),
    chain(5000, (i) => `score d${i} extends d${i + 1} { }`, 'score d5000 { clamp 0..9 }'),
    chain(5000, (i) => `challenge d${i} { ${POW}  fallback d${i + 1} }`, `challenge d5000 { ${POW} }`),
  ];
  for (const text of chains) assert.equal(codes(text)[0], 'PDL-B005');
});

test('conditions and sets that double with each name are written out once', () => {
  const doubled = chain(40, (i) => `define d${i} = d${i + 1} and d${i + 1}`, 'define d40 = hello.grease');
  assert.deepEqual(codes(doubled), []);
  const feeds = `feed f of cidr from file "f" { }\nset d40 of cidr = f`;
  assert.deepEqual(codes(chain(40, (i) => `set d${i} of cidr = d${i + 1} + d${i + 1}`, feeds)), ['PDL-B003']);
});

test('a score of thousands of signals is one error', () => {
  const signals = Array.from(
    { length: 5000 },
    (_, index) => `  signal s${index} +1 when conn.port == ${index % 90}`,
  );
  assert.deepEqual(codes(`${BASE}score t {\n  clamp 0..9\n${signals.join('\n')}\n}\n`), ['PDL-B003']);
});

test('letters that only look like a name’s are errors', () => {
  for (const name of ['аdmin', 'ad\u200bmin', 'ad\u202emin', 'ａdmin']) {
    const found = codes(`${BASE}define ${name} = hello.grease\n`);
    assert.ok(found.length > 0 && found.every((code) => code.startsWith('PDL-G')), found.join());
  }
});

test('names that every object has are names like any other', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'hasownproperty']) {
    const found = compileText(inSite(`  deny x when ${name} do drop`));
    assert.deepEqual(
      errorsOf(found)
        .map(({ code }) => code)
        .slice(0, 1),
      [/^[a-z_]+$/.test(name) ? 'PDL-N001' : 'PDL-G001'],
    );
  }
});

test('a secret in the wrong place is named', () => {
  assert.deepEqual(codes(`${BASE}secret k from env "hunter2 is my password"\n`), ['PDL-K001']);
  assert.deepEqual(codes(`${BASE}secret k from file "-----BEGIN PRIVATE KEY-----"\n`), ['PDL-K001']);
  assert.deepEqual(codes(`${BASE}feed f of cidr from url "https://a:b@c.example/f" { refresh 1h }\n`), [
    'PDL-K001',
  ]);
});

test('the same text gives the same bytes', () => {
  const image = (): Buffer => Buffer.from(encodeProgram(compileText(PACK).program!).image);
  assert.deepEqual(image(), image());
});
