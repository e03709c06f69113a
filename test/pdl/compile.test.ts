import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { encodeProgram, encodeTables } from '../../src/core/image.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { compile, type PolicyTest } from '../../src/pdl/compile/compile.ts';
import { parseIp } from '../../src/pdl/ip.ts';
import type { Program } from '../../src/pdl/ir.ts';
import { FACTS } from '../../src/pdl/registry/facts.gen.ts';
import { compare, judge, type TestAnswer } from '../../src/pdl/testing/test-run.ts';
import { BASE, compileText, errorsOf } from './support.ts';

const PACK = new URL('../../policies/three-tiers.pdl', import.meta.url);
const HELLO = 1;

function pack(): { program: Program; tests: readonly PolicyTest[] } {
  const { program, diagnostics, tests } = compile(
    { path: 'three-tiers.pdl', text: readFileSync(PACK, 'utf8') },
    () => null,
  );
  assert.deepEqual(diagnostics, []);
  assert.ok(program);
  return { program, tests };
}

/** What the decision core answers in a test's world. */
function answer(program: Program, policyTest: PolicyTest): TestAnswer {
  const core = new Core(loadCoreModule());
  const feeds = new Map(program.feeds.map((_, index) => [index, policyTest.feeds.get(index) ?? []]));
  assert.ok(core.loadTables(encodeTables(program, feeds)) >= 0);
  assert.ok(core.loadImage(encodeProgram(program).image) >= 0);
  core.begin();
  for (const [name, value] of Object.entries(policyTest.facts)) {
    const index = FACTS.findIndex((fact) => fact.name === name);
    if (value === null) core.setUnknown(index);
    else if (name === 'conn.ip') core.setIp(index, parseIp(String(value))!, !String(value).includes(':'));
    else if (name === 'hello.alpn') core.setStrings(index, (value as string[]).map(String));
    else if (typeof value === 'string') core.setText(index, value);
    else if (typeof value === 'object') core.setList(index, value.map(Number));
    else core.setNumber(index, Number(value));
  }
  program.counters.forEach((_, index) => {
    core.setRate(index, policyTest.rates.get(index) ?? 0);
  });
  const siteIndex = program.sites.findIndex(({ name }) => name === policyTest.site);
  const site = program.sites[siteIndex]!;
  const decision = core.decide(siteIndex, HELLO);
  const policy = program.policies[decision.policy] ?? null;
  const rule = program.rules[decision.rule];
  const action =
    rule && rule.outcome.action !== 'use' ? rule.outcome : (policy?.verdict ?? { action: 'accept' });
  const challenge =
    action.action === 'accept' && policy?.challenge != null ? program.challenges[policy.challenge]! : null;
  const signals = program.scores[site.score]!.signals.filter(
    (_, index) => decision.signalPoints[index] !== 0,
  );
  const matched = [
    ...decision.matchedRules.map((index) => program.rules[index]!.name),
    ...signals.map(({ name }) => name),
  ];
  return { policy, action, score: decision.score, parts: [], matched, wouldMatch: [], challenge };
}

test('the default pack compiles without a finding', () => {
  const { program } = pack();
  assert.deepEqual(
    program.policies.map(({ name, rank, verdict, challenge }) => [name, rank, verdict.action, challenge]),
    [
      ['low', 5, 'accept', null],
      ['medium', 50, 'accept', 0],
      ['high', 90, 'refuse', null],
    ],
  );
  assert.deepEqual(program.sites[0], {
    name: 'default',
    listeners: ['edge'],
    sni: 'any',
    score: 0,
    ladder: [
      { from: 0, policy: 0 },
      { from: 51, policy: 1 },
      { from: 91, policy: 2 },
    ],
    rules: [],
    limits: [],
    onError: 1,
  });
  assert.deepEqual(program.scores[0]!.groups, [
    { name: 'reputation', cap: 60, floor: 0 },
    { name: 'shape', cap: 50, floor: 0 },
    { name: 'pace', cap: 50, floor: 0 },
  ]);
  assert.deepEqual(
    program.requiredFacts.map((index) => FACTS[index]!.name),
    ['conn.ip', 'hello.sni', 'hello.alpn', 'hello.ja4', 'client.cleared'],
  );
});

test('ramps over rates count events per second times a million', () => {
  const { program } = pack();
  const ramps = program.scores[0]!.signals.flatMap(({ ramp }) => ramp ?? []);
  assert.deepEqual(ramps, [
    { operand: { counter: 0 }, x0: 2_000_000, x1: 20_000_000, y0: 0, y1: 40 },
    { operand: { counter: 1 }, x0: 33_333, x1: 333_333, y0: 0, y1: 40 },
  ]);
});

test('children replace scalars, append to lists and inherit the rest', () => {
  const { program } = pack();
  const [low, medium, high] = program.policies;
  assert.deepEqual(
    low!.tls.ciphers,
    [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8],
  );
  assert.deepEqual(medium!.tls, low!.tls);
  assert.deepEqual([low!.handshake.timeoutMs, medium!.handshake.timeoutMs], [8000, 6000]);
  assert.deepEqual([high!.tls.minVersion, high!.tls.maxVersion], [0x0304, 0x0304]);
});

test('the default pack’s own tests hold on the decision core', () => {
  const { program, tests } = pack();
  assert.equal(tests.length, 2);
  for (const policyTest of tests) {
    assert.ok(compare(program, policyTest, answer(program, policyTest)).every(({ holds }) => holds));
  }
});

test('an expectation that fails is reported at its place with the answer', () => {
  const text = `${BASE}test "browsers are turned away" for main {\n  given { }\n  expect { policy high  score 90  negotiates TLS_AES_128_GCM_SHA256 }\n}\n`;
  const { program, tests } = compileText(text);
  assert.ok(program);
  const calm: TestAnswer = {
    policy: program.policies[0]!,
    action: { action: 'accept' },
    score: 3,
    parts: [],
    matched: [],
    wouldMatch: [],
    challenge: null,
  };
  const found = judge(tests[0]!, calm, compare(program, tests[0]!, calm));
  assert.deepEqual(
    found.map(({ code, line, column }) => [code, line, column]),
    [
      ['PDL-E001', 15, 12],
      ['PDL-E001', 15, 25],
    ],
  );
  assert.match(found[0]!.help, /policy low, accept, score 3/);
});

test('names of imported files are written with their alias, and only what is used is taken', () => {
  const shop = BASE.replace('site main', 'site shop').replace(
    'policy low ',
    'policy spare extends tls.modern { rank 77 }\npolicy low ',
  );
  const text = `pdl 1
import "shop.pdl" as shop
site main { listen edge  sni any  score shop.risk  ladder { from 0 use shop.low  from 9 use shop.high }  on_error use shop.high }
`;
  const result = compileText(text, { 'shop.pdl': shop });
  assert.deepEqual(result.diagnostics, []);
  assert.deepEqual(
    result.program!.policies.map(({ name }) => name),
    ['shop.low', 'shop.high'],
  );
  assert.deepEqual(
    result.program!.sites.map(({ name }) => name),
    ['main'],
  );
});

test('sets may be joined, cut and subtracted', () => {
  const text = `${BASE.slice(0, -2)}  deny x when conn.ip in outside do drop
  deny y when hello.ciphers has all best do drop
}
feed blocked of cidr from file "f" { }
set office of cidr = { 192.0.2.0/24, 2001:db8::1 }
set outside of cidr = blocked - office
set some of cipher = { TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384 }
set best of cipher = some & { TLS_AES_256_GCM_SHA384 }
`;
  const { program, diagnostics } = compileText(text);
  assert.deepEqual(diagnostics, []);
  const [x, y] = program!.rules;
  const tables = (indexes: readonly number[]): unknown[] =>
    indexes.map((index) => {
      const atom = program!.atoms[index]!;
      return atom.kind === 'table' ? program!.tables[atom.table] : atom;
    });
  assert.equal(x!.when.length, 1);
  assert.deepEqual(tables(x!.when[0]!.yes), [{ kind: 'cidr', feed: 0 }]);
  assert.deepEqual(tables(x!.when[0]!.no), [{ kind: 'cidr', members: ['192.0.2.0/24', '2001:db8::1/128'] }]);
  assert.deepEqual(tables(y!.when[0]!.yes), [
    {
      kind: 'all',
      operand: { fact: FACTS.findIndex(({ name }) => name === 'hello.ciphers') },
      values: [0x1302],
    },
  ]);
});

test('a score inherits, retunes and removes signals', () => {
  const text = `${BASE.replace('score risk\n', 'score risky\n')}score risky extends risk { retune base +70  remove signal cleared_before  signal new +5 when hello.ech }\n`;
  const { program, diagnostics } = compileText(text);
  assert.deepEqual(diagnostics, []);
  const risky = program!.scores.find(({ name }) => name === 'risky')!;
  assert.deepEqual(
    risky.signals.map(({ name, points }) => [name, points]),
    [
      ['base', 70],
      ['new', 5],
    ],
  );
});

test('until holds through the end of its day', () => {
  const text = `${BASE.slice(0, -2)}  exempt x when client.cleared use low until 2027-01-31\n}\n`;
  const { program } = compileText(text);
  const atom = program!.atoms[program!.rules[0]!.when[0]!.yes[1]!]!;
  assert.equal(atom.kind === 'range' && atom.max, Date.UTC(2027, 1, 1) - 1);
});

test('constants stand for their values', () => {
  const text = `${BASE.slice(0, -2)}  deny x when hello.size > big do drop\n}\nlet big = 4KiB\n`;
  const { program, diagnostics } = compileText(text);
  assert.deepEqual(diagnostics, []);
  const [atom] = program!.atoms.filter((each) => each.kind === 'range' && each.min === 4097);
  assert.ok(atom);
});

test('a compiled program survives JSON', () => {
  const { program } = pack();
  assert.deepEqual(JSON.parse(JSON.stringify(program)), program);
});

test('no text makes the compiler throw', () => {
  const text = readFileSync(PACK, 'utf8');
  for (let at = 0; at < text.length; at += 7) {
    compileText(text.slice(0, at));
    compileText(text.slice(0, at) + text.slice(at + 9));
  }
  assert.notDeepEqual(errorsOf(compileText('('.repeat(10_000))), []);
  assert.notDeepEqual(errorsOf(compileText(`${BASE}define d = ${'('.repeat(10_000)}`)), []);
});
