import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Formula, MAX_CUBES, toCubes } from '../../src/pdl/compile/formula.ts';
import type { Atom } from '../../src/pdl/ir.ts';

type Truth = boolean | null;
const ATOMS = 5;

const atomOf = (index: number): Atom => ({ kind: 'known', operand: { fact: index } });
const indexOf = (atom: Atom): number => ('fact' in atom.operand ? atom.operand.fact : -1);

const formulas = fc.letrec<{ formula: Formula }>((tie) => ({
  formula: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.nat(ATOMS - 1).map((index): Formula => ({ kind: 'atom', atom: atomOf(index) })),
    fc.boolean().map((value): Formula => ({ kind: 'constant', value })),
    tie('formula').map((item): Formula => ({ kind: 'not', item })),
    fc
      .tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('formula'), { minLength: 1, maxLength: 3 }),
      )
      .map(([kind, items]): Formula => ({ kind, items })),
  ),
})).formula;

const worlds = fc.array(fc.constantFrom<Truth>(true, false, null), { minLength: ATOMS, maxLength: ATOMS });

function truth(formula: Formula, world: readonly Truth[]): Truth {
  switch (formula.kind) {
    case 'constant':
      return formula.value;
    case 'atom':
      return world[indexOf(formula.atom)]!;
    case 'not': {
      const item = truth(formula.item, world);
      return item === null ? null : !item;
    }
    default: {
      const decisive = formula.kind === 'or';
      const items = formula.items.map((item) => truth(item, world));
      if (items.includes(decisive)) return decisive;
      return items.includes(null) ? null : !decisive;
    }
  }
}

test('cubes hold exactly when the condition is definitely true in three-valued logic', () => {
  fc.assert(
    fc.property(formulas, worlds, (formula, world) => {
      const cubes = toCubes(formula, indexOf);
      if (cubes === null) return;
      const holds = cubes.some(
        ({ yes, no }) => yes.every((i) => world[i] === true) && no.every((i) => world[i] === false),
      );
      assert.equal(holds, truth(formula, world) === true);
    }),
    { numRuns: 3000 },
  );
});

test('no cube is weaker than another, contradicts itself, or is out of order', () => {
  fc.assert(
    fc.property(formulas, (formula) => {
      const cubes = toCubes(formula, indexOf) ?? [];
      for (const { yes, no } of cubes) {
        assert.deepEqual(yes, yes.toSorted());
        assert.ok(!yes.some((index) => no.includes(index)));
      }
      const texts = cubes.map((cube) => JSON.stringify(cube));
      assert.equal(new Set(texts).size, texts.length);
    }),
  );
});

test('what would need more cubes than the limit is refused', () => {
  const pair = (i: number): Formula => ({
    kind: 'or',
    items: [2 * i, 2 * i + 1].map((index): Formula => ({ kind: 'atom', atom: atomOf(index) })),
  });
  const all = (count: number): Formula => ({
    kind: 'and',
    items: Array.from({ length: count }, (_, i) => pair(i)),
  });
  assert.equal(toCubes(all(6), indexOf)?.length, MAX_CUBES);
  assert.equal(toCubes(all(7), indexOf), null);
  assert.equal(toCubes(all(40), indexOf), null);
});

test('a case split over an unknown test is not merged away', () => {
  const a: Formula = { kind: 'atom', atom: atomOf(0) };
  const x: Formula = { kind: 'atom', atom: atomOf(1) };
  const split: Formula = {
    kind: 'or',
    items: [
      { kind: 'and', items: [a, x] },
      { kind: 'and', items: [a, { kind: 'not', item: x }] },
    ],
  };
  assert.deepEqual(toCubes(split, indexOf), [
    { yes: [0, 1], no: [] },
    { yes: [0], no: [1] },
  ]);
});
