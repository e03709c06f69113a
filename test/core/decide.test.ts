import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { encodeProgram } from '../../src/core/image.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { statusName } from '../../src/core/status.ts';
import type { Condition, Program, Rule } from '../../src/pdl/ir.ts';
import { alpn, helloMessage, serverName } from '../support/hello-bytes.ts';
import { fact, program, SPAN } from '../support/program.ts';

const ALWAYS: Condition = [{ yes: [], no: [] }];
const PORT = fact('conn.port');
const SIZE = fact('hello.size');

function withProgram(source: Program): Core {
  const core = new Core(loadCoreModule());
  assert.equal(core.loadImage(encodeProgram(source).image), 1);
  return core;
}

function rule(tier: Rule['tier'], outcome: Rule['outcome'], when: Condition = ALWAYS): Rule {
  return { name: tier, tier, when, outcome, span: SPAN };
}

/** Atom 0: the port is 443. Atom 1: the hello has at least 600 bytes. */
const ATOMS: Program['atoms'] = [
  { kind: 'range', operand: { fact: PORT }, min: 443, max: 443 },
  { kind: 'range', operand: { fact: SIZE }, min: 600, max: Number.POSITIVE_INFINITY },
];
const ON_PORT: Condition = [{ yes: [0], no: [] }];
const IS_LARGE: Condition = [{ yes: [1], no: [] }];

test('without an image there is no decision', () => {
  assert.equal(statusName(new Core(loadCoreModule()).decide(0, 1).status), 'image_missing');
});

test('a site that the image does not have is named', () => {
  assert.equal(statusName(withProgram(program()).decide(1, 1).status), 'unknown_site');
});

test('an earlier tier wins over a stricter outcome of a later one', () => {
  const core = withProgram(
    program({ rules: [rule('deny', { action: 'drop' }), rule('exempt', { action: 'use', policy: 0 })] }),
  );
  const decision = core.decide(0, 1);
  assert.equal(decision.tier, 'exempt');
  assert.equal(decision.rule, 1);
  assert.equal(decision.policy, 0);
  assert.deepEqual([...decision.matchedRules], [0, 1]);
});

test('inside a tier the strictest outcome wins', () => {
  const core = withProgram(
    program({
      rules: [
        rule('deny', { action: 'tarpit', durationMs: 9 }),
        rule('deny', { action: 'reset' }),
        rule('deny', { action: 'refuse', alert: 'access_denied' }),
      ],
    }),
  );
  assert.equal(core.decide(0, 1).rule, 1);
});

test('a rule whose fact is unknown does not fire, nor does its negation', () => {
  const core = withProgram(
    program({
      atoms: ATOMS,
      rules: [
        rule('deny', { action: 'drop' }, ON_PORT),
        rule('deny', { action: 'drop' }, [{ yes: [], no: [0] }]),
      ],
    }),
  );
  assert.equal(core.decide(0, 1).tier, 'ladder');
  core.setNumber(PORT, 443);
  assert.equal(core.decide(0, 1).rule, 0);
  core.setNumber(PORT, 80);
  assert.equal(core.decide(0, 1).rule, 1);
});

test('begin forgets the facts of the last connection', () => {
  const core = withProgram(program({ atoms: ATOMS, rules: [rule('deny', { action: 'drop' }, ON_PORT)] }));
  core.setNumber(PORT, 443);
  core.begin();
  assert.equal(core.decide(0, 1).tier, 'ladder');
});

test('a verdict is final once no later fact can change it', () => {
  const core = withProgram(
    program({
      atoms: ATOMS,
      rules: [
        rule('forbid', { action: 'drop' }, ON_PORT),
        rule('exempt', { action: 'use', policy: 0 }, IS_LARGE),
      ],
    }),
  );
  core.setNumber(PORT, 443);
  assert.equal(core.decide(0, 0).final, true);
});

test('a verdict waits for a pending rule of an earlier tier', () => {
  const core = withProgram(
    program({
      atoms: ATOMS,
      rules: [
        rule('deny', { action: 'drop' }, ON_PORT),
        rule('exempt', { action: 'use', policy: 0 }, IS_LARGE),
      ],
    }),
  );
  core.setNumber(PORT, 443);
  const decision = core.decide(0, 0);
  assert.equal(decision.tier, 'deny');
  assert.equal(decision.final, false);
  core.setNumber(SIZE, 100);
  assert.equal(core.decide(0, 1).final, true);
});

const scored = (points: number, more: Partial<Program['scores'][number]> = {}): Program =>
  program({
    atoms: ATOMS,
    scores: [
      {
        name: 'risk',
        min: 0,
        max: 100,
        groups: [],
        signals: [
          { name: 'port', group: null, when: ON_PORT, points, span: SPAN },
          { name: 'large', group: null, when: IS_LARGE, points: 45, span: SPAN },
        ],
        ...more,
      },
    ],
  });

test('the score chooses the rung, and its bounds tell what is still open', () => {
  const core = withProgram(scored(50));
  core.setNumber(PORT, 443);
  const before = core.decide(0, 0);
  assert.deepEqual([before.score, before.scoreLow, before.scoreHigh], [50, 50, 95]);
  assert.deepEqual([before.rung, before.policy, before.final], [1, 1, false]);
  core.setNumber(SIZE, 700);
  const after = core.decide(0, 1);
  assert.deepEqual([after.score, after.rung, after.policy, after.final], [95, 2, 2, true]);
  assert.deepEqual([...after.signalPoints], [50, 45]);
});

test('a group bounds the sum of its signals', () => {
  const core = withProgram(
    scored(0, {
      groups: [{ name: 'g', cap: 60, floor: 0 }],
      signals: [
        { name: 'a', group: 0, when: ALWAYS, points: 50, span: SPAN },
        { name: 'b', group: 0, when: ALWAYS, points: 50, span: SPAN },
        { name: 'c', group: null, when: ALWAYS, points: 7, span: SPAN },
      ],
    }),
  );
  assert.equal(core.decide(0, 1).score, 67);
});

test('a ramp is linear between its ends, rounded toward zero', () => {
  const ramp = { operand: { fact: PORT }, x0: 0, x1: 3, y0: 0, y1: 10 };
  const core = withProgram(scored(0, { signals: [{ name: 'r', group: null, ramp, span: SPAN }] }));
  const scoreAt = (port: number): number => {
    core.setNumber(PORT, port);
    return core.decide(0, 1).score;
  };
  assert.deepEqual([-1, 0, 1, 2, 3, 9].map(scoreAt), [0, 0, 3, 6, 10, 10]);
  core.setUnknown(PORT);
  assert.equal(core.decide(0, 1).score, 0);
});

test('a parsed hello feeds the facts', () => {
  const atoms: Program['atoms'] = [
    { kind: 'any', operand: { fact: fact('hello.ciphers') }, values: [0x1302] },
    { kind: 'range', operand: { fact: fact('hello.alpn') }, min: 2, max: 2 },
    { kind: 'known', operand: { fact: fact('hello.sni') } },
    { kind: 'range', operand: { fact: fact('hello.groups') }, min: 0, max: 0 },
  ];
  const core = withProgram(
    program({ atoms, rules: [rule('pin', { action: 'use', policy: 2 }, [{ yes: [0, 1, 2, 3], no: [] }])] }),
  );
  const bytes = helloMessage({
    ciphers: [0x1302],
    extensions: [
      [0, serverName('a.test')],
      [16, alpn('h2', 'x')],
    ],
  });
  core.begin();
  assert.equal(core.parse(bytes, 0, bytes.length, 'handshake', 'tls'), 0);
  assert.equal(core.decide(0, 1).tier, 'pin');
  core.parse(Buffer.from('GET /'), 0, 5, 'records', 'tls');
  assert.equal(core.decide(0, 1).tier, 'ladder');
});

test('a value without room leaves its fact unknown', () => {
  const atoms: Program['atoms'] = [{ kind: 'known', operand: { fact: fact('conn.listener') } }];
  const core = withProgram(program({ atoms, rules: [rule('pin', { action: 'use', policy: 2 }, ON_PORT)] }));
  core.setText(fact('conn.listener'), 'x'.repeat(40_000));
  assert.equal(core.decide(0, 1).tier, 'ladder');
  core.setText(fact('conn.listener'), 'edge');
  assert.equal(core.decide(0, 1).tier, 'pin');
});

test('decisions do not allocate in the core', () => {
  const core = withProgram(scored(50));
  const first = core.decide(0, 1);
  assert.equal(core.decide(0, 1), first);
});
