import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeProgram } from '../../src/core/image.ts';
import * as L from '../../src/core/layout.gen.ts';
import { type CoreExports, instantiateCore, loadCoreModule } from '../../src/core/module.ts';
import type { Program, Score, Signal } from '../../src/pdl/ir.ts';
import { program, SPAN } from '../support/program.ts';
import { scoreRow } from '../support/reference-evaluator.ts';

const VARIANTS = ['scalar', 'simd'] as const;
const CORES = VARIANTS.map((variant) => instantiateCore(loadCoreModule(variant)));

const points = fc.integer({ min: -300, max: 300 });
const end = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const group = fc.constantFrom(null, 0, 1);
const isShadow = fc.boolean().map((shadow) => ({ shadow }));
const signal: fc.Arbitrary<Signal> = fc.oneof(
  fc
    .tuple(group, points, isShadow)
    .map(([g, p, s]): Signal => ({ name: 's', group: g, when: [], points: p, span: SPAN, ...s })),
  fc
    .tuple(group, end, fc.double({ min: 0.001, max: 1e6, noNaN: true }), points, points, isShadow)
    .map(([g, x0, width, y0, y1, s]): Signal => {
      const ramp = { operand: { fact: 1 }, x0, x1: x0 + width, y0, y1 };
      return { name: 'r', group: g, ramp, span: SPAN, ...s };
    }),
);
const score: fc.Arbitrary<Score> = fc.record({
  name: fc.constant('risk'),
  min: fc.integer({ min: -50, max: 0 }),
  max: fc.integer({ min: 1, max: 500 }),
  groups: fc.constant([
    { name: 'a', cap: 120, floor: 0 },
    { name: 'b', cap: 90, floor: -70 },
  ]),
  signals: fc.array(signal, { maxLength: 20 }),
});

/** One value a row: whether a signal holds, or a ramp's operand. */
type Column = Float64Array | Uint8Array | null;

function columnsOf(signals: readonly Signal[], rows: number): fc.Arbitrary<Column[]> {
  const size = { minLength: rows, maxLength: rows };
  const column = (each: Signal): fc.Arbitrary<Column> =>
    each.ramp
      ? fc
          .array(
            fc.oneof(
              fc.double(),
              fc.double({ min: each.ramp.x0, max: each.ramp.x1, noNaN: true }),
              fc.constantFrom(each.ramp.x0, each.ramp.x1),
            ),
            size,
          )
          .map((values) => Float64Array.from(values))
      : fc.array(fc.constantFrom(0, 1, 255), size).map((values) => Uint8Array.from(values));
  return fc.tuple(...signals.map((each) => fc.option(column(each), { freq: 8 })));
}

const cases = fc
  .tuple(score, fc.integer({ min: 0, max: 150 }))
  .chain(([s, rows]) => fc.tuple(fc.constant(s), fc.constant(rows), columnsOf(s.signals, rows)));

function withScore(scored: Score): Program {
  return program({
    scores: [scored],
    sites: [{ ...program().sites[0]!, ladder: [{ from: -50, policy: 0 }] }],
  });
}

function load(core: CoreExports, source: Program): void {
  const { image } = encodeProgram(source);
  new Uint8Array(core.memory.buffer).set(image, core.sp_region(L.REGION_IMAGE));
  assert.ok(core.sp_load_image(image.length) > 0);
}

/** Lays the columns out one after the other, each at an odd offset, and scores them. */
function scoreAll(core: CoreExports, columns: readonly Column[], rows: number): number[] {
  const region = core.sp_region(L.REGION_BATCH);
  const bytes = new Uint8Array(core.memory.buffer, region, L.MAX_BATCH_BYTES);
  const view = new DataView(core.memory.buffer, region, L.MAX_BATCH_BYTES);
  bytes.fill(0xff);
  let at = columns.length * 4;
  columns.forEach((column, index) => {
    if (column === null) {
      view.setInt32(index * 4, -1, true);
      return;
    }
    at |= 1;
    view.setInt32(index * 4, at, true);
    bytes.set(new Uint8Array(column.buffer), at);
    at += column.byteLength;
  });
  assert.equal(core.sp_score_batch(0, rows, 0, at), 0);
  return Array.from({ length: rows }, (_, row) => view.getInt32(at + row * 4, true));
}

test('a batch is scored as each of its rows alone, in both builds', () => {
  fc.assert(
    fc.property(cases, ([scored, rows, columns]) => {
      const wanted = Array.from({ length: rows }, (_, row) =>
        scoreRow(
          scored,
          columns.map((column) => column?.[row] ?? null),
        ),
      );
      for (const core of CORES) {
        load(core, withScore(scored));
        assert.deepEqual(scoreAll(core, columns, rows), wanted);
      }
    }),
    { numRuns: 300 },
  );
});

test('rows that a vector does not fill are not written over', () => {
  const scored: Score = {
    name: 'risk',
    min: 0,
    max: 100,
    groups: [],
    signals: [{ name: 's', group: null, when: [], points: 7, span: SPAN }],
  };
  for (const core of CORES) {
    load(core, withScore(scored));
    const region = core.sp_region(L.REGION_BATCH);
    const bytes = new Uint8Array(core.memory.buffer, region, L.MAX_BATCH_BYTES).fill(1);
    new DataView(core.memory.buffer, region).setInt32(0, 100, true);
    assert.equal(core.sp_score_batch(0, 3, 0, 500), 0);
    assert.deepEqual([...bytes.subarray(500, 516)], [7, 0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0, 1, 1, 1, 1]);
  }
});

test('columns, rows and scores beyond the region are refused, up to its last byte accepted', () => {
  const scored: Score = {
    name: 'risk',
    min: 0,
    max: 9,
    groups: [],
    signals: [
      { name: 's', group: null, when: [], points: 1, span: SPAN },
      { name: 'r', group: null, ramp: { operand: { fact: 1 }, x0: 0, x1: 1, y0: 0, y1: 1 }, span: SPAN },
    ],
  };
  const end = L.MAX_BATCH_BYTES;
  for (const core of CORES) {
    load(core, withScore(scored));
    const view = new DataView(core.memory.buffer, core.sp_region(L.REGION_BATCH));
    const attempt = (s: number, ramp: number, rows: number, out: number): number => {
      view.setInt32(0, s, true);
      view.setInt32(4, ramp, true);
      return core.sp_score_batch(0, rows, 0, out);
    };
    assert.equal(attempt(end - 10, end - 80, 10, 8), 0);
    assert.equal(attempt(8, 8, 10, end - 40), 0);
    for (const [s, ramp, rows, out] of [
      [end - 9, 8, 10, 8],
      [8, end - 79, 10, 8],
      [8, 8, 10, end - 39],
      [8, 8, -1, 8],
      [8, 8, 0x7fff_ffff, 8],
      [0x7fff_ffff, 8, 1, 8],
      [8, 8, 1, -4],
      [8, 8, 1, 0x7fff_ffff],
    ] as const) {
      assert.equal(attempt(s, ramp, rows, out), L.STATUS_BAD_ARGUMENT, `${s} ${ramp} ${rows} ${out}`);
    }
    assert.equal(core.sp_score_batch(1, 0, 0, 8), L.STATUS_BAD_ARGUMENT);
    assert.equal(core.sp_score_batch(-1, 0, 0, 8), L.STATUS_BAD_ARGUMENT);
    assert.equal(core.sp_score_batch(0, 0, -1, 8), L.STATUS_BAD_ARGUMENT);
    assert.equal(core.sp_score_batch(0, 0, end - 7, 8), L.STATUS_BAD_ARGUMENT);
  }
});

test('without an image there is nothing to score by', () => {
  const core = instantiateCore(loadCoreModule());
  assert.equal(core.sp_score_batch(0, 0, 0, 0), L.STATUS_IMAGE_MISSING);
});
