import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Core } from '../../src/core/core.ts';
import { encodeProgram, encodeTables } from '../../src/core/image.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import type { Atom, Condition, Operand, Program, Rule, Rung, Signal } from '../../src/pdl/ir.ts';
import { fact, policy, program, SPAN } from '../support/program.ts';
import { evaluate, type Situation, type Value } from '../support/reference-evaluator.ts';

const IP = fact('conn.ip');
const SNI = fact('hello.sni');
const ALPN = fact('hello.alpn');
const JA4 = fact('hello.ja4');
const NUMBERS = [fact('conn.port'), fact('conn.asn'), fact('hello.size'), fact('hello.max_version')];
const LISTS = [fact('hello.ciphers'), fact('hello.groups')];
const COUNTERS = 2;
/** A DNS list. */
const LIST = 6;
/** One that is drawn at connect, one at the hello. */
const CANARIES: Program['canaries'] = [
  { name: 'early', key: [{ fact: IP, v4: 32, v6: 128 }], share: 5 },
  { name: 'late', key: [{ fact: JA4, v4: 32, v6: 128 }], share: 8 },
];

const small = fc.integer({ min: 0, max: 12 });
const ip = fc.tuple(fc.constantFrom(10, 192), fc.constantFrom(0, 128, 255)).map(([a, b]) => `${a}.${b}.0.1`);
const host = fc.constantFrom('a.test', 'b.a.test', 'c.b.a.test', 'xa.test', 'test');
const word = fc.constantFrom('h2', 'http/1.1', 'x', 't13d');
const operand: fc.Arbitrary<Operand> = fc.oneof(
  fc.constantFrom(...NUMBERS, ...LISTS, IP, SNI, ALPN, JA4).map((index) => ({ fact: index })),
  fc.nat(COUNTERS - 1).map((counter) => ({ counter })),
  fc.nat(CANARIES.length - 1).map((canary) => ({ canary })),
  fc.constantFrom<Operand>(
    { lookup: 2, of: IP },
    { lookup: 3, of: SNI },
    { lookup: 4, of: JA4 },
    { lookup: 5, of: NUMBERS[1]! },
    { listed: LIST },
  ),
);
const FEEDS: Program['feeds'] = (
  [
    ['bad', 'ip'],
    ['tools', 'ja4'],
    ['addresses', 'cidr'],
    ['names', 'host'],
    ['clients', 'ja4'],
    ['networks', 'asn'],
    ['list', 'cidr'],
  ] as const
).map(([name, type], index) => ({
  name,
  type,
  source: index === LIST ? 'dnsbl' : 'file',
  path: name,
  ...(index > 1 && index < LIST ? { toScore: true } : {}),
  declaredIn: 'test.pdl',
  refreshMs: null,
  maxAgeMs: null,
  onStale: 'keep',
  maxEntries: 10,
}));
const TABLES: Program['tables'] = [
  { kind: 'cidr', members: ['10.0.0.0/8', '192.128.0.0/9'] },
  { kind: 'cidr', feed: 0 },
  { kind: 'host', members: ['a.test', '*.b.a.test'] },
  { kind: 'hash', members: ['h2', 't13d'] },
  { kind: 'number', members: ['3', '7', '12'] },
  { kind: 'hash', feed: 1 },
  { kind: 'cidr', feed: 2 },
  { kind: 'host', feed: 3 },
  { kind: 'hash', feed: 4 },
  { kind: 'number', feed: 5 },
  { kind: 'glob', members: ['*.a.t?st'] },
  { kind: 'regex', members: ['^(x|b\\.)?a|3d$'] },
];
const tableAtom = fc.constantFrom<[number, number]>(
  [0, IP],
  [1, IP],
  [2, SNI],
  [3, ALPN],
  [3, JA4],
  [5, JA4],
  [4, NUMBERS[0]!],
  [4, LISTS[0]!],
  [10, SNI],
  [11, SNI],
  [11, JA4],
  [11, ALPN],
);
const atom: fc.Arbitrary<Atom> = fc.oneof(
  operand.map((o): Atom => ({ kind: 'known', operand: o })),
  fc.tuple(operand, small, small).map(([o, min, max]): Atom => ({ kind: 'range', operand: o, min, max })),
  fc
    .tuple(fc.constantFrom('any' as const, 'all' as const), operand, fc.array(small, { maxLength: 3 }))
    .map(([kind, o, values]): Atom => ({ kind, operand: o, values })),
  fc
    .nat(CANARIES.length - 1)
    .map(
      (canary): Atom => ({ kind: 'range', operand: { canary }, min: 0, max: CANARIES[canary]!.share - 1 }),
    ),
  tableAtom.map(([table, index]): Atom => ({ kind: 'table', operand: { fact: index }, table })),
);

function conditionOver(atoms: number): fc.Arbitrary<Condition> {
  const some = fc.uniqueArray(fc.nat(atoms - 1), { maxLength: 2 });
  return fc.array(fc.record({ yes: some, no: some }), { maxLength: 3 });
}

const points = fc.integer({ min: -40, max: 60 });

/** Present as often as not, and never undefined. */
function optional<T, K extends string>(key: K, value: fc.Arbitrary<T>): fc.Arbitrary<{ [P in K]?: T }> {
  return fc.option(value).map((v) => (v === null ? {} : { [key]: v }) as { [P in K]?: T });
}

const shadow = optional('shadow', fc.boolean());

function signalOver(atoms: number): fc.Arbitrary<Signal> {
  const group = fc.constantFrom(null, 0, 1);
  return fc.oneof(
    fc
      .tuple(group, conditionOver(atoms), points, shadow)
      .map(([g, when, p, s]): Signal => ({ name: 's', group: g, when, points: p, span: SPAN, ...s })),
    fc
      .tuple(group, operand, small, fc.integer({ min: 1, max: 9 }), points, points, shadow)
      .chain(([g, o, x0, width, y0, y1, s]) =>
        optional('when', conditionOver(atoms)).map(
          (when): Signal => ({
            name: 'r',
            group: g,
            ramp: { operand: o, x0, x1: x0 + width, y0, y1 },
            span: SPAN,
            ...s,
            ...when,
          }),
        ),
      ),
  );
}

const outcome: fc.Arbitrary<Rule['outcome']> = fc.constantFrom<Rule['outcome']>(
  { action: 'drop' },
  { action: 'refuse', alert: 'access_denied' },
  { action: 'refuse', alert: 'handshake_failure' },
  { action: 'tarpit', durationMs: 5 },
  { action: 'tarpit', durationMs: 9 },
  { action: 'use', policy: 1 },
  { action: 'use', policy: 2 },
);

function ruleOver(atoms: number): fc.Arbitrary<Rule> {
  return fc
    .tuple(
      fc.constantFrom<Rule['tier']>('forbid', 'exempt', 'deny', 'pin'),
      conditionOver(atoms),
      outcome,
      shadow,
    )
    .map(([tier, when, o, s]) => ({ name: 'rule', tier, when, outcome: o, span: SPAN, ...s }));
}

/** Begins at the score's minimum and rises. */
const ladder: fc.Arbitrary<readonly Rung[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 3 })
  .chain((bounds) =>
    fc.tuple(
      ...[0, ...bounds.toSorted((a, b) => a - b)].map((from) => fc.nat(2).map((p) => ({ from, policy: p }))),
    ),
  );

const programs: fc.Arbitrary<Program> = fc.array(atom, { minLength: 1, maxLength: 70 }).chain((atoms) =>
  fc
    .tuple(
      fc.array(ruleOver(atoms.length), { maxLength: 5 }),
      fc.array(signalOver(atoms.length), { maxLength: 5 }),
      ladder,
      optional('canaryLadder', fc.record({ when: conditionOver(atoms.length), ladder })),
      optional('shadowLadder', ladder),
    )
    .map(([rules, signals, own, canary, shadowed]) =>
      program({
        canaries: CANARIES,
        sites: [{ ...program({ rules }).sites[0]!, ladder: own, ...canary, ...shadowed }],
        atoms,
        rules,
        tables: TABLES,
        feeds: FEEDS,
        counters: Array.from({ length: COUNTERS }, (_, i) => ({
          name: `c${i}`,
          key: [{ fact: IP, v4: 32, v6: 128 }],
          windowMs: 1_000,
          event: 'hello',
        })),
        policies: [policy('low', 1), policy('medium', 2), policy('high', 3, { action: 'reset' })],
        scores: [
          {
            name: 'risk',
            min: 0,
            max: 100,
            groups: [
              { name: 'a', cap: 50, floor: 0 },
              { name: 'b', cap: 30, floor: -20 },
            ],
            signals,
          },
        ],
      }),
    ),
);

/** Members of a map with their scores; several may be about the same value. */
function scored(member: fc.Arbitrary<string>): fc.Arbitrary<string[]> {
  const entry = fc.tuple(member, fc.oneof(small, fc.constantFrom(0, 100)));
  return fc.array(
    entry.map(([value, score]) => `${value} ${score}`),
    { maxLength: 6 },
  );
}

const prefix = fc.constantFrom(
  '10.0.0.0/8',
  '10.128.0.0/9',
  '10.128.0.1',
  '10.128.0.1/32',
  '192.0.0.0/4',
  '::/0',
);
const names = fc.oneof(host, fc.constantFrom('*.test', '*.a.test', '*.b.a.test'));

function maybe<T>(key: number, value: fc.Arbitrary<T>): fc.Arbitrary<[number, T][]> {
  return fc.option(value).map((v) => (v === null ? [] : [[key, v]]));
}

const situations: fc.Arbitrary<Situation> = fc.record({
  facts: fc
    .tuple(
      ...NUMBERS.map((key) => maybe<Value>(key, small)),
      ...LISTS.map((key) => maybe<Value>(key, fc.array(small, { maxLength: 4 }))),
      maybe<Value>(IP, ip),
      maybe<Value>(SNI, host),
      maybe<Value>(JA4, word),
      maybe<Value>(ALPN, fc.array(word, { minLength: 1, maxLength: 3 })),
    )
    .map((entries) => new Map(entries.flat())),
  rates: fc
    .tuple(...Array.from({ length: COUNTERS }, (_, i) => maybe(i, small)))
    .map((entries) => new Map(entries.flat())),
  draws: fc.tuple(...CANARIES.map((_, i) => maybe(i, small))).map((entries) => new Map(entries.flat())),
  feeds: fc
    .tuple(
      maybe(0, fc.array(ip, { maxLength: 3 })),
      maybe(1, fc.array(word, { maxLength: 2 })),
      maybe(2, scored(prefix)),
      maybe(3, scored(names)),
      maybe(4, scored(word)),
      maybe(5, scored(small.map(String))),
    )
    .map((entries) => new Map(entries.flat())),
  listed: maybe(LIST, fc.boolean()).map((entries) => new Map(entries)),
  phase: fc.constantFrom(0, 1, 2, 3),
});

function apply(core: Core, now: Situation): void {
  core.begin();
  for (const [key, value] of now.facts) {
    if (typeof value === 'number') core.setNumber(key, value);
    else if (key === IP)
      core.setIp(
        key,
        Buffer.from([...new Array(12).fill(0), ...(value as string).split('.').map(Number)]),
        true,
      );
    else if (typeof value === 'string') core.setText(key, value);
    else if (key === ALPN) core.setStrings(key, value as string[]);
    else core.setList(key, value as number[]);
  }
  for (const [counter, rate] of now.rates) core.setRate(counter, rate);
  for (const listed of now.listed?.values() ?? []) core.setRate(COUNTERS, listed ? 1 : 0);
  for (const [canary, draw] of now.draws) core.setDraw(canary, draw);
}

test('any small program is decided as the reference evaluator decides it, in both builds', () => {
  const cores = (['scalar', 'simd'] as const).map((variant) => new Core(loadCoreModule(variant)));
  fc.assert(
    fc.property(programs, situations, (source, now) => {
      const wanted = evaluate(source, 0, now);
      const tables = encodeTables(source, now.feeds);
      const { image } = encodeProgram(source);
      for (const core of cores) {
        assert.equal(core.loadTables(tables), 0);
        assert.ok(core.loadImage(image) > 0);
        apply(core, now);
        const decision = core.decide(0, now.phase as 0 | 1 | 2 | 3);
        const { status, signalPoints, signalMatched: _, ...rest } = decision;
        assert.equal(status, 0);
        assert.deepEqual({ ...rest, points: [...signalPoints] }, wanted);
      }
    }),
    { numRuns: 2_000 },
  );
});
