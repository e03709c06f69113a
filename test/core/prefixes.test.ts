import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { Core } from '../../src/core/core.ts';
import { encodeProgram } from '../../src/core/image.ts';
import * as L from '../../src/core/layout.gen.ts';
import { loadTablesGradually } from '../../src/core/load-tables.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { encodeTables, type OriginPrefix } from '../../src/core/tables.ts';
import { parseIp } from '../../src/pdl/ip.ts';
import type { Feed, Program } from '../../src/pdl/ir.ts';
import { fact, program, SPAN } from '../support/program.ts';
import { covers, originOf } from '../support/reference-members.ts';

const IP = fact('conn.ip');
const ASN = fact('conn.asn');
const COUNTRY = fact('conn.country');
const LISTS = 3;

/** Rule i holds for addresses in list i, which is feed i. */
const SOURCE: Program = program({
  tables: Array.from({ length: LISTS }, (_, feed) => ({ kind: 'cidr', feed })),
  feeds: Array.from(
    { length: LISTS },
    (_, i): Feed => ({
      name: `f${i}`,
      type: 'cidr',
      source: 'file',
      path: 'f',
      declaredIn: 'test.pdl',
      refreshMs: null,
      maxAgeMs: null,
      onStale: 'keep',
      maxEntries: 1_000_000,
    }),
  ),
  atoms: Array.from({ length: LISTS }, (_, table) => ({ kind: 'table', operand: { fact: IP }, table })),
  rules: Array.from({ length: LISTS }, (_, atom) => ({
    name: `r${atom}`,
    tier: 'pin',
    when: [{ yes: [atom], no: [] }],
    outcome: { action: 'use', policy: 0 },
    span: SPAN,
  })),
});
const { image: IMAGE } = encodeProgram(SOURCE);

/** Addresses close to each other, so that prefixes nest, touch and repeat. */
const byte = fc.constantFrom(0, 1, 127, 128, 254, 255);
const v4 = fc.tuple(fc.constantFrom(0, 9, 10, 255), byte, byte, byte).map((octets) => octets.join('.'));
const word = fc.constantFrom('0', '1', '8000', 'fffe', 'ffff');
const v6 = fc
  .tuple(fc.constantFrom('0', '2001', '2a00', 'ffff'), word, word, word, word, word, word, word)
  .map((words) => words.join(':'));
const prefix = fc.oneof(
  fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([ip, length]) => `${ip}/${length}`),
  fc.tuple(v6, fc.integer({ min: 0, max: 128 })).map(([ip, length]) => `${ip}/${length}`),
);
const origin: fc.Arbitrary<OriginPrefix> = fc.record({
  prefix,
  asn: fc.constantFrom(null, 1, 64_500, 0xffff_ffff),
  country: fc.constantFrom(null, 'NL', 'BR'),
});
const list = fc.array(prefix, { maxLength: 60 });

function feedsOf(lists: readonly (readonly string[])[]): ReadonlyMap<number, readonly string[]> {
  return new Map(lists.entries());
}

function give(core: Core, ip: string): void {
  core.begin();
  const bytes = parseIp(ip)!;
  core.setIp(IP, bytes, !ip.includes(':'));
}

/** Both edges of a prefix and their neighbours are where a mistake would show. */
function edgesOf(text: string): string[] {
  const [ip, length] = text.split('/') as [string, string];
  const isV4 = !ip.includes(':');
  const width = isV4 ? 32 : 128;
  const bytes = parseIp(ip)!.subarray(isV4 ? 12 : 0);
  const value = bytes.reduce((sum, each) => (sum << 8n) | BigInt(each), 0n);
  const size = 1n << BigInt(width - Number(length));
  const first = (value / size) * size;
  const write = (at: bigint): string => {
    const hex = BigInt.asUintN(width, at)
      .toString(16)
      .padStart(width / 4, '0');
    return isV4
      ? hex
          .match(/../g)!
          .map((pair) => Number.parseInt(pair, 16))
          .join('.')
      : hex.match(/..../g)!.join(':');
  };
  return [first - 1n, first, first + size - 1n, first + size].map(write);
}

test('every address is in the lists and from the origin of its prefixes, in both builds', () => {
  const cores = (['scalar', 'simd'] as const).map((variant) => new Core(loadCoreModule(variant)));
  fc.assert(
    fc.property(
      fc.tuple(list, list, list),
      fc.array(origin, { maxLength: 30 }),
      fc.array(fc.oneof(v4, v6), { maxLength: 5 }),
      (lists, origins, others) => {
        const tables = encodeTables(SOURCE, feedsOf(lists), origins);
        const edges = [...lists.flat(), ...origins.map((each) => each.prefix)].slice(0, 20).flatMap(edgesOf);
        for (const core of cores) {
          assert.equal(core.loadTables(tables), 0);
          core.loadImage(IMAGE);
          for (const ip of [...edges, ...others]) {
            give(core, ip);
            const found = [...core.decide(0, 0).matchedRules];
            const wanted = lists.flatMap((members, i) => (members.some((m) => covers(m, ip)) ? [i] : []));
            assert.deepEqual(found, wanted, ip);
            const from = { asn: core.readNumber(ASN), country: core.readText(COUNTRY) };
            assert.deepEqual(from, originOf(origins, ip), ip);
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('a directory finds every one of many prefixes, and nothing between them', () => {
  const core = new Core(loadCoreModule());
  const v4s = Array.from({ length: 20_000 }, (_, i) => `10.${i >> 8}.${i & 255}.64/26`);
  const v6s = Array.from({ length: 20_000 }, (_, i) => `2001:db8:${(i * 3).toString(16)}:8000::/49`);
  assert.equal(core.loadTables(encodeTables(SOURCE, feedsOf([v4s, v6s, []]))), 0);
  core.loadImage(IMAGE);
  const listsOf = (ip: string): number[] => {
    give(core, ip);
    return [...core.decide(0, 0).matchedRules];
  };
  for (let i = 0; i < 20_000; i += 7) {
    const [a, b] = [i >> 8, i & 255];
    assert.deepEqual(listsOf(`10.${a}.${b}.64`), [0]);
    assert.deepEqual(listsOf(`10.${a}.${b}.127`), [0]);
    assert.deepEqual(listsOf(`10.${a}.${b}.63`), []);
    assert.deepEqual(listsOf(`10.${a}.${b}.128`), []);
    assert.deepEqual(listsOf(`2001:db8:${(i * 3).toString(16)}:ffff::1`), [1]);
    assert.deepEqual(listsOf(`2001:db8:${(i * 3).toString(16)}:7fff::1`), []);
    assert.deepEqual(listsOf(`2001:db8:${(i * 3 + 1).toString(16)}:8000::`), []);
  }
  assert.deepEqual(listsOf('0.0.0.0'), []);
  assert.deepEqual(listsOf('255.255.255.255'), []);
});

test('cells with keys and values of every width answer right at every cut', () => {
  const core = new Core(loadCoreModule());
  // Many leaves, so that values take 1, 2 and 4 bytes; IPv6 that is cut inside high halves, often and seldom.
  const origins = Array.from({ length: 40_000 }, (_, i): OriginPrefix => {
    const [a, b] = [i >> 8, i & 255];
    const ip = i % 2 === 0 ? `${a}.${b}.7.0/24` : `2001:db8:${a}:${b}::${(i & 3).toString()}/128`;
    return { prefix: ip, asn: i + 1, country: null };
  });
  const inside = Array.from({ length: 40 }, (_, i) => `2a00::${(i * 9).toString(16)}:0:1/${112 + (i % 17)}`);
  assert.equal(core.loadTables(encodeTables(SOURCE, feedsOf([inside, [], []]), origins)), 0);
  core.loadImage(IMAGE);
  for (const { prefix: text, asn } of origins.filter((_, i) => i % 97 === 0)) {
    const [before, first, last, after] = edgesOf(text) as [string, string, string, string];
    for (const ip of [first, last]) {
      give(core, ip);
      core.decide(0, 0);
      assert.equal(core.readNumber(ASN), asn, ip);
    }
    for (const ip of [before, after]) {
      give(core, ip);
      core.decide(0, 0);
      assert.equal(
        core.readNumber(ASN),
        originOf(origins.slice(Math.max(0, asn! - 3), asn! + 3), ip).asn,
        ip,
      );
    }
  }
  for (const text of inside) {
    for (const ip of edgesOf(text)) {
      give(core, ip);
      assert.equal(
        core.decide(0, 0).matchedRules.length,
        inside.some((member) => covers(member, ip)) ? 1 : 0,
        ip,
      );
    }
  }
});

test('an origin that the host set is kept, and one that the core found is not', () => {
  const core = new Core(loadCoreModule());
  const origins = [{ prefix: '10.0.0.0/8', asn: 64_500, country: 'NL' }];
  assert.equal(core.loadTables(encodeTables(SOURCE, feedsOf([[], [], []]), origins)), 0);
  core.loadImage(IMAGE);
  const origin = (): unknown[] => {
    core.decide(0, 0);
    return [core.readNumber(ASN), core.readText(COUNTRY)];
  };
  give(core, '10.0.0.1');
  assert.deepEqual(origin(), [64_500, 'NL']);
  core.setIp(IP, parseIp('11.0.0.1')!, true);
  assert.deepEqual(origin(), [null, null]);
  core.setIp(IP, parseIp('10.0.0.1')!, true);
  core.setNumber(ASN, 7);
  core.setText(COUNTRY, 'BR');
  assert.deepEqual(origin(), [7, 'BR']);
  core.begin();
  assert.deepEqual(origin(), [null, null]);
});

test('an origin that is none is refused with its text', () => {
  for (const bad of [
    { prefix: '10.0.0.0/33', asn: 1, country: null },
    { prefix: '10.0.0.0/8', asn: 0, country: null },
    { prefix: '10.0.0.0/8', asn: 2 ** 32, country: null },
    { prefix: '10.0.0.0/8', asn: null, country: 'nl' },
  ]) {
    assert.throws(() => encodeTables(SOURCE, feedsOf([[], [], []]), [bad]), /RangeError|not the origin of/);
  }
});

/** As a maker with the right digest would have written it. */
function signed(tables: Uint8Array): Uint8Array {
  const digest = createHash('sha256').update(tables.subarray(L.TABLES_HEADER_ABI_AT)).digest();
  tables.set(digest, L.TABLES_HEADER_DIGEST_AT);
  return tables;
}

test('damaged tables with a right digest never trap, and refused ones change nothing', () => {
  const source: Program = {
    ...SOURCE,
    tables: [
      ...SOURCE.tables,
      { kind: 'host', members: ['a.test', '*.b.test', 'c'] },
      { kind: 'number', members: ['1', '2'] },
      { kind: 'regex', members: ['^x\\.(a|b)'] },
    ],
    atoms: [
      ...SOURCE.atoms,
      { kind: 'table', operand: { fact: fact('hello.sni') }, table: LISTS },
      { kind: 'table', operand: { fact: ASN }, table: LISTS + 1 },
      { kind: 'table', operand: { fact: fact('hello.sni') }, table: LISTS + 2 },
    ],
    rules: [
      ...SOURCE.rules,
      { ...SOURCE.rules[0]!, when: [{ yes: [LISTS], no: [] }] },
      { ...SOURCE.rules[0]!, when: [{ yes: [LISTS + 1], no: [] }] },
      { ...SOURCE.rules[0]!, when: [{ yes: [LISTS + 2], no: [] }] },
    ],
    sites: [{ ...SOURCE.sites[0]!, rules: [0, 1, 2, 3, 4, 5] }],
  };
  const lists = [
    Array.from({ length: 40 }, (_, i) => `10.0.${i}.0/25`),
    ['2001:db8::/33', '2001:db8::1', '2001:db8::7/127', 'ffff::/16'],
    ['0.0.0.0/0'],
  ];
  const tables = encodeTables(source, feedsOf(lists), [{ prefix: '10.0.0.0/9', asn: 1, country: 'NL' }]);
  const { image } = encodeProgram(source);
  const ask = (core: Core): number[][] =>
    ['10.0.3.1', '10.0.3.200', '255.255.255.255', '2001:db8::1', '2001:db8::6', 'ffff::', '::'].map((ip) => {
      give(core, ip);
      core.setText(fact('hello.sni'), 'x.b.test');
      return [...core.decide(0, 1).matchedRules];
    });
  const core = new Core(loadCoreModule('scalar'));
  assert.equal(core.loadTables(tables), 0);
  assert.ok(core.loadImage(image) > 0);
  const answers = ask(core);
  assert.deepEqual(answers[0], [0, 2, 3, 4, 5]);
  let refused = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: L.TABLES_HEADER_COUNT_AT, max: tables.length - 1 }),
      fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
      (at, value) => {
        // why: with another id the region is good, but not this image's.
        fc.pre(at < L.TABLES_HEADER_TABLES_ID_AT || at >= L.TABLES_HEADER_TABLES_ID_AT + 8);
        const changed = tables.slice();
        changed[at] = value;
        const status = core.loadTables(signed(changed));
        if (status === 0) {
          ask(core);
          assert.equal(core.loadTables(tables), 0);
        } else {
          assert.equal(status, L.STATUS_TABLES_BOUNDS);
          refused++;
        }
        assert.deepEqual(ask(core), answers);
      },
    ),
    { numRuns: 3_000 },
  );
  assert.ok(refused > 300, `${refused} were refused`);
});

test('a large table is loaded between turns of the loop, and the old one answers meanwhile', async () => {
  const core = new Core(loadCoreModule());
  assert.equal(core.loadTables(encodeTables(SOURCE, feedsOf([['1.2.3.4'], [], []]))), 0);
  core.loadImage(IMAGE);
  const members = Array.from(
    { length: 250_000 },
    (_, i) => `10.${i >> 12}.${(i >> 4) & 255}.${(i & 15) * 2}`,
  );
  const tables = encodeTables(SOURCE, feedsOf([members, [], []]));
  let done = false;
  const loading = loadTablesGradually(core, tables).finally(() => {
    done = true;
  });
  let turns = 0;
  for (; !done; turns++) {
    give(core, '1.2.3.4');
    const { matchedRules } = core.decide(0, 0);
    await nextTurn();
    if (!done) assert.deepEqual(matchedRules.length, 1);
  }
  assert.equal(await loading, 0);
  assert.ok(turns > 2, `${turns} turns`);
  give(core, '10.0.0.2');
  assert.deepEqual([...core.decide(0, 0).matchedRules], [0]);
});

test('a set with a member many times over holds it once', () => {
  const source = program({
    tables: [{ kind: 'hash', members: new Array(5_000).fill('same') }],
    atoms: [{ kind: 'table', operand: { fact: fact('hello.sni') }, table: 0 }],
    rules: [{ ...SOURCE.rules[0]!, when: [{ yes: [0], no: [] }] }],
  });
  const core = new Core(loadCoreModule());
  assert.equal(core.loadTables(encodeTables(source, new Map())), 0);
  core.loadImage(encodeProgram(source).image);
  core.setText(fact('hello.sni'), 'same');
  assert.deepEqual([...core.decide(0, 1).matchedRules], [0]);
});
