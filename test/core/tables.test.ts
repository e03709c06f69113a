import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { encodeProgram, encodeTables, FeedError } from '../../src/core/image.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { statusName } from '../../src/core/status.ts';
import type { Feed, Program, Table } from '../../src/pdl/ir.ts';
import { fact, program, SPAN } from '../support/program.ts';

const IP = fact('conn.ip');
const SNI = fact('hello.sni');

/** One rule a table, which says whether a fact is in it. */
function asking(tables: readonly Table[], index: number, feeds: readonly Feed[] = []): Program {
  return program({
    tables,
    feeds,
    atoms: tables.map((_, table) => ({ kind: 'table', operand: { fact: index }, table })),
    rules: tables.map((_, atom) => ({
      name: `t${atom}`,
      tier: 'pin',
      when: [{ yes: [atom], no: [] }],
      outcome: { action: 'use', policy: 0 },
      span: SPAN,
    })),
  });
}

function load(source: Program, feeds: ReadonlyMap<number, readonly string[]> = new Map()): Core {
  const core = new Core(loadCoreModule());
  assert.equal(core.loadTables(encodeTables(source, feeds)), 0);
  assert.equal(core.loadImage(encodeProgram(source).image), 1);
  return core;
}

function feed(name: string): Feed {
  return {
    name,
    type: 'cidr',
    source: 'file',
    path: name,
    declaredIn: 'test.pdl',
    refreshMs: null,
    maxAgeMs: null,
    onStale: 'keep',
    maxEntries: 9,
  };
}

function v4(text: string): Buffer {
  return Buffer.from([...new Array(12).fill(0), ...text.split('.').map(Number)]);
}

function tablesHolding(core: Core, ip: Uint8Array, isV4: boolean): number[] {
  core.begin();
  core.setIp(IP, ip, isV4);
  return [...core.decide(0, 1).matchedRules];
}

test('an address is found in every list that covers it, at every edge', () => {
  const core = load(
    asking(
      [
        { kind: 'cidr', members: ['10.0.0.0/8', '0.0.0.0/32'] },
        { kind: 'cidr', members: ['10.1.0.0/16', '10.1.2.3', '255.255.255.255'] },
      ],
      IP,
    ),
  );
  assert.deepEqual(tablesHolding(core, v4('9.255.255.255'), true), []);
  assert.deepEqual(tablesHolding(core, v4('10.0.0.0'), true), [0]);
  assert.deepEqual(tablesHolding(core, v4('10.1.0.0'), true), [0, 1]);
  assert.deepEqual(tablesHolding(core, v4('10.1.255.255'), true), [0, 1]);
  assert.deepEqual(tablesHolding(core, v4('10.2.0.0'), true), [0]);
  assert.deepEqual(tablesHolding(core, v4('11.0.0.0'), true), []);
  assert.deepEqual(tablesHolding(core, v4('0.0.0.0'), true), [0]);
  assert.deepEqual(tablesHolding(core, v4('255.255.255.255'), true), [1]);
});

test('IPv6 prefixes are found, and mapped ones count as IPv4', () => {
  const core = load(asking([{ kind: 'cidr', members: ['2001:db8::/33', '::ffff:10.0.0.0/104'] }], IP));
  const at = (hex: string): Buffer => Buffer.from(hex.padEnd(32, '0'), 'hex');
  assert.deepEqual(tablesHolding(core, at('20010db8'), false), [0]);
  assert.deepEqual(tablesHolding(core, at('20010db87fff'), false), [0]);
  assert.deepEqual(tablesHolding(core, at('20010db88000'), false), []);
  assert.deepEqual(tablesHolding(core, v4('10.9.9.9'), true), [0]);
});

test('the prefix of all addresses covers all', () => {
  const core = load(asking([{ kind: 'cidr', members: ['0.0.0.0/0', '::/0'] }], IP));
  assert.deepEqual(tablesHolding(core, v4('255.255.255.255'), true), [0]);
  assert.deepEqual(tablesHolding(core, Buffer.alloc(16, 255), false), [0]);
});

test('a wildcard covers every name below its suffix, but not the suffix', () => {
  const core = load(asking([{ kind: 'host', members: ['*.Example.com', 'exact.test.'] }], SNI));
  const has = (name: string): boolean => {
    core.begin();
    core.setText(SNI, name);
    return core.decide(0, 1).matchedRules.length === 1;
  };
  assert.deepEqual(
    ['a.example.com', 'b.a.example.com', 'example.com', 'xexample.com', 'exact.test', 'a.exact.test'].map(
      has,
    ),
    [true, true, false, false, true, false],
  );
});

test('many members are all found and nothing else is', () => {
  const members = Array.from({ length: 5_000 }, (_, i) => `member-${i}`);
  const core = load(asking([{ kind: 'hash', members }], SNI));
  const has = (name: string): boolean => {
    core.begin();
    core.setText(SNI, name);
    return core.decide(0, 1).matchedRules.length === 1;
  };
  assert.ok(members.every(has));
  assert.ok(!members.some((name) => has(`${name}x`)));
});

test('a value in many sets is found in each of them, a name also by its suffixes', () => {
  const core = load(
    asking(
      [
        { kind: 'hash', members: ['a.example.com', 'x'] },
        { kind: 'hash', members: ['*.example.com'] },
        { kind: 'host', members: ['*.example.com', 'b.test'] },
        { kind: 'host', members: ['*.com'] },
        { kind: 'host', members: ['a.example.com', '*.b.test'] },
        { kind: 'hash', members: ['x', 'a.example.com'] },
      ],
      SNI,
    ),
  );
  const setsOf = (name: string): number[] => {
    core.begin();
    core.setText(SNI, name);
    return [...core.decide(0, 1).matchedRules];
  };
  assert.deepEqual(setsOf('a.example.com'), [0, 2, 3, 4, 5]);
  assert.deepEqual(setsOf('example.com'), [3]);
  assert.deepEqual(setsOf('b.test'), [2]);
  assert.deepEqual(setsOf('x'), [0, 5]);
  assert.deepEqual(setsOf('y'), []);
});

test('a set that is missing is unknown beside others that hold the value or do not', () => {
  const tables: Table[] = [
    { kind: 'hash', members: ['x'] },
    { kind: 'hash', feed: 0 },
    { kind: 'cidr', members: ['10.0.0.0/8'] },
    { kind: 'cidr', feed: 0 },
  ];
  const about = [SNI, SNI, IP, IP];
  const source = program({
    tables,
    feeds: [feed('bad')],
    atoms: about.map((index, table) => ({ kind: 'table', operand: { fact: index }, table })),
    rules: about.flatMap((_, atom) =>
      [
        { yes: [atom], no: [] },
        { yes: [], no: [atom] },
      ].map((cube) => ({
        name: 'r',
        tier: 'pin',
        when: [cube],
        outcome: { action: 'use', policy: 0 },
        span: SPAN,
      })),
    ),
  });
  const core = load(source);
  const ask = (name: string, ip: string): number[] => {
    core.begin();
    core.setText(SNI, name);
    core.setIp(IP, v4(ip), true);
    return [...core.decide(0, 1).matchedRules];
  };
  assert.deepEqual(ask('x', '10.1.1.1'), [0, 4]);
  assert.deepEqual(ask('y', '11.1.1.1'), [1, 5]);
});

test('a feed that is not there makes its tests unknown, and a loaded one true or false', () => {
  const source = asking([{ kind: 'cidr', feed: 0 }], IP, [feed('bad')]);
  const core = load(source);
  assert.deepEqual(tablesHolding(core, v4('1.2.3.4'), true), []);
  assert.equal(core.loadTables(encodeTables(source, new Map([[0, ['1.2.3.0/24']]]))), 0);
  assert.deepEqual(tablesHolding(core, v4('1.2.3.4'), true), [0]);
});

test('tables of another program leave the ones of the image in force', () => {
  const source = asking([{ kind: 'cidr', members: ['1.2.3.4'] }], IP);
  const core = load(source);
  for (const members of [['9.9.9.9'], ['8.8.8.8'], ['7.7.7.7']]) {
    assert.equal(core.loadTables(encodeTables(asking([{ kind: 'cidr', members }], IP), new Map())), 0);
    assert.deepEqual(tablesHolding(core, v4('1.2.3.4'), true), [0]);
  }
});

test('tables can be verified in steps while the old ones answer', () => {
  const source = asking([{ kind: 'cidr', feed: 0 }], IP, [feed('bad')]);
  const core = load(source, new Map([[0, ['1.2.3.4']]]));
  const members = Array.from({ length: 20_000 }, (_, i) => `10.${i >> 8}.${i & 255}.7`);
  assert.equal(core.reserveTables(encodeTables(source, new Map([[0, members]]))), 0);
  let steps = 1;
  while (core.stepTables(65_536) === 1) {
    assert.deepEqual(tablesHolding(core, v4('1.2.3.4'), true), [0]);
    steps++;
  }
  assert.ok(steps > 2);
  assert.deepEqual(tablesHolding(core, v4('1.2.3.4'), true), []);
  assert.deepEqual(tablesHolding(core, v4('10.3.9.7'), true), [0]);
});

test('decisions go on after the memory has grown', () => {
  const source = asking([{ kind: 'hash', feed: 0 }], SNI, [feed('names')]);
  const core = load(source);
  const before = core.decide(0, 1).signalPoints;
  const members = Array.from({ length: 50_000 }, (_, i) => `name-${i}`);
  assert.equal(core.loadTables(encodeTables(source, new Map([[0, members]]))), 0);
  core.begin();
  core.setText(SNI, 'name-49999');
  assert.equal(core.decide(0, 1).matchedRules.length, 1);
  assert.notEqual(core.decide(0, 1).signalPoints.buffer, before.buffer);
});

test('changed tables are refused', () => {
  const bytes = encodeTables(asking([{ kind: 'number', members: ['5', '7'] }], IP), new Map());
  const core = new Core(loadCoreModule());
  const refusal = (at: number): string => {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    return statusName(core.loadTables(changed));
  };
  assert.equal(refusal(0), 'tables_magic');
  assert.equal(refusal(4), 'tables_size');
  assert.equal(refusal(40), 'tables_abi');
  assert.equal(refusal(bytes.length - 1), 'tables_checksum');
  assert.equal(statusName(core.loadTables(bytes.subarray(0, 20))), 'tables_size');
});

test('a member that is not an address is named by its place', () => {
  const source = asking([{ kind: 'cidr', feed: 0 }], IP, [feed('bad')]);
  for (const member of ['1.2.3', '1.2.3.4/33', '::1/129', 'fe80::1%eth0', '010.0.0.1', '', '1.2.3.4/']) {
    assert.throws(
      () => encodeTables(source, new Map([[0, ['1.1.1.1', member]]])),
      (error) => error instanceof FeedError && error.feed === 0 && error.index === 1,
      member,
    );
  }
});
