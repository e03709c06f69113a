import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Core } from '../../src/core/core.ts';
import { encodeProgram, encodeTables } from '../../src/core/image.ts';
import {
  IMAGE_HEADER_ABI_AT,
  IMAGE_HEADER_BYTES,
  IMAGE_HEADER_DIGEST_AT,
} from '../../src/core/layout.gen.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { statusName } from '../../src/core/status.ts';
import type { Program } from '../../src/pdl/ir.ts';
import { fact, program, SPAN } from '../support/program.ts';

const ATOM: Program['atoms'][number] = {
  kind: 'any',
  operand: { fact: fact('hello.ciphers') },
  values: [1, 2, 3],
};
const SOURCE = program({
  atoms: [
    ATOM,
    { kind: 'range', operand: { fact: fact('conn.port') }, min: 1, max: 2 },
    { kind: 'known', operand: { fact: fact('conn.port') } },
    { kind: 'table', operand: { fact: fact('hello.sni') }, table: 0 },
  ],
  tables: [{ kind: 'hash', members: ['x'] }],
  rules: [
    { name: 'r', tier: 'deny', when: [{ yes: [0], no: [1] }], outcome: { action: 'drop' }, span: SPAN },
  ],
  scores: [
    {
      name: 'risk',
      min: 0,
      max: 100,
      groups: [{ name: 'g', cap: 10, floor: 0 }],
      signals: [
        { name: 's', group: 0, when: [{ yes: [0], no: [] }], points: 5, span: SPAN },
        {
          name: 't',
          group: null,
          ramp: { operand: { fact: fact('conn.port') }, x0: 0, x1: 9, y0: 0, y1: 9 },
          span: SPAN,
        },
      ],
    },
  ],
});

function seal(image: Uint8Array): Uint8Array {
  image.set(
    createHash('sha256').update(image.subarray(IMAGE_HEADER_ABI_AT)).digest(),
    IMAGE_HEADER_DIGEST_AT,
  );
  return image;
}

function load(image: Uint8Array, core: Core = new Core(loadCoreModule())): string | number {
  const status = core.loadImage(image);
  return status < 0 ? statusName(status) : status;
}

test('the same program has the same image and name, whatever the order of its keys', () => {
  const reversed = Object.fromEntries(Object.entries(SOURCE).reverse()) as unknown as Program;
  assert.deepEqual(encodeProgram(reversed), encodeProgram(SOURCE));
  assert.notEqual(encodeProgram(program()).imageId, encodeProgram(SOURCE).imageId);
});

test('each image loaded starts an epoch', () => {
  const core = new Core(loadCoreModule());
  assert.deepEqual(
    [1, 2, 3].map(() => load(encodeProgram(SOURCE).image, core)),
    [1, 2, 3],
  );
});

test('an image that was changed anywhere is refused', () => {
  const { image } = encodeProgram(SOURCE);
  for (let at = IMAGE_HEADER_DIGEST_AT; at < image.length; at += 7) {
    const changed = image.slice();
    changed[at]! ^= 1;
    assert.ok(String(load(changed)).startsWith('image_'), `byte ${at}`);
  }
});

test('refusals name what is wrong', () => {
  const { image } = encodeProgram(SOURCE);
  assert.equal(load(image.subarray(0, 40)), 'image_size');
  assert.equal(load(image.subarray(0, image.length - 8)), 'image_size');
  assert.equal(load(new Uint8Array(300_000)), 'image_size');
  const other = image.slice();
  other[0]! ^= 1;
  assert.equal(load(other), 'image_magic');
  const newer = image.slice();
  newer[IMAGE_HEADER_ABI_AT + 2]! ^= 2;
  assert.equal(load(seal(newer)), 'image_abi');
});

test('a refused image leaves the one in force', () => {
  const core = new Core(loadCoreModule());
  load(encodeProgram(program()).image, core);
  load(encodeProgram(SOURCE).image.subarray(1), core);
  assert.equal(core.decide(0, 1).status, 0);
});

test('a sealed image with any content never traps and is decided within bounds', () => {
  const { image } = encodeProgram(SOURCE);
  const core = new Core(loadCoreModule());
  assert.equal(core.loadTables(encodeTables(SOURCE, new Map())), 0);
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(fc.integer({ min: 56, max: image.length - 4 }), fc.oneof(fc.nat(300), fc.integer())),
        { minLength: 1, maxLength: 4 },
      ),
      (changes) => {
        const changed = image.slice();
        const view = new DataView(changed.buffer);
        for (const [at, value] of changes) view.setInt32(at & ~3, value, true);
        const status = core.loadImage(seal(changed));
        assert.ok(status > 0 || statusName(status) === 'image_bounds');
        core.begin();
        core.setList(fact('hello.ciphers'), [1, 2]);
        core.setText(fact('hello.sni'), 'x');
        for (const phase of [0, 1, 2, 3] as const) core.decide(0, phase);
      },
    ),
    { numRuns: 3_000 },
  );
  assert.ok(image.length > IMAGE_HEADER_BYTES);
});

test('every one of as many atoms as there may be is evaluated, in any order and over a few facts', () => {
  const facts = [fact('conn.port'), fact('hello.size'), fact('conn.asn')];
  const atoms = Array.from({ length: 128 }, (_, i): Program['atoms'][number] => ({
    kind: 'range',
    operand: { fact: facts[(i * 7) % 3]! },
    min: i,
    max: i + 40,
  }));
  const source = program({
    atoms,
    rules: atoms.map((_, i) => ({
      name: `r${i}`,
      tier: 'deny',
      when: [{ yes: [i], no: [] }],
      outcome: { action: 'drop' },
      span: SPAN,
    })),
  });
  const core = new Core(loadCoreModule());
  core.loadImage(encodeProgram(source).image);
  core.setNumber(facts[0]!, 60);
  core.setNumber(facts[1]!, 120);
  const holding = atoms.flatMap((_, i) => {
    const value = [60, 120, null][(i * 7) % 3]!;
    return value !== null && i <= value && value <= i + 40 ? [i] : [];
  });
  assert.ok(holding.length > 20);
  assert.deepEqual([...core.decide(0, 1).matchedRules], holding);
});

test('a program beyond a limit cannot be encoded', () => {
  assert.throws(
    () => encodeProgram(program({ atoms: Array.from({ length: 129 }, () => ATOM) })),
    /129 atoms; the limit is 128/,
  );
});
