/** Conditions between the syntax tree and cubes: atoms joined by and, or, not. */
import type { Atom, Cube } from '../ir.ts';

export type Formula =
  | { readonly kind: 'atom'; readonly atom: Atom }
  | { readonly kind: 'and' | 'or'; readonly items: readonly Formula[] }
  | { readonly kind: 'not'; readonly item: Formula }
  | { readonly kind: 'constant'; readonly value: boolean };

/** The most cubes one condition may have. */
export const MAX_CUBES = 64;
/** The most cubes while rewriting, before absorption has had its say. */
const MAX_WORKING_CUBES = 4096;

export const atom = (value: Atom): Formula => ({ kind: 'atom', atom: value });
export const not = (item: Formula): Formula => ({ kind: 'not', item });
export const or = (items: readonly Formula[]): Formula =>
  items.length === 1 ? items[0]! : { kind: 'or', items };
export const and = (items: readonly Formula[]): Formula =>
  items.length === 1 ? items[0]! : { kind: 'and', items };

/**
 * Rewrites a formula as a disjunction of cubes that holds exactly when the formula is definitely true in
 * Kleene's three-valued logic. Uses only De Morgan's laws, distribution, absorption, and that `x and not x`
 * is never true: rules such as `(a and x) or (a and not x) = a` are wrong when x is unknown.
 * `indexOf` gives each atom its index. Null when the result, or work on it, grows beyond the limits.
 */
export function toCubes(formula: Formula, indexOf: (atom: Atom) => number): readonly Cube[] | null {
  const cubes = new Expansion(indexOf).expand(formula, false);
  return cubes === null || cubes.length > MAX_CUBES ? null : cubes;
}

/** One rewriting. A part that is named in many places is rewritten once. */
class Expansion {
  readonly #indexOf: (atom: Atom) => number;
  readonly #done = { true: new Map<Formula, Cube[] | null>(), false: new Map<Formula, Cube[] | null>() };

  constructor(indexOf: (atom: Atom) => number) {
    this.#indexOf = indexOf;
  }

  expand(formula: Formula, negated: boolean): Cube[] | null {
    const done = this.#done[`${negated}`];
    const known = done.get(formula);
    if (known !== undefined) return known;
    const cubes = this.#rewrite(formula, negated);
    done.set(formula, cubes);
    return cubes;
  }

  #rewrite(formula: Formula, negated: boolean): Cube[] | null {
    switch (formula.kind) {
      case 'constant':
        return formula.value === negated ? [] : [{ yes: [], no: [] }];
      case 'atom': {
        const index = this.#indexOf(formula.atom);
        return [negated ? { yes: [], no: [index] } : { yes: [index], no: [] }];
      }
      case 'not':
        return this.expand(formula.item, !negated);
      default:
        return this.#chain(formula.items, (formula.kind === 'and') !== negated, negated);
    }
  }

  #chain(items: readonly Formula[], conjunction: boolean, negated: boolean): Cube[] | null {
    let cubes: Cube[] = conjunction ? [{ yes: [], no: [] }] : [];
    for (const item of items) {
      const next = this.expand(item, negated);
      if (next === null) return null;
      if (conjunction && cubes.length * next.length > MAX_WORKING_CUBES) return null;
      cubes = absorb(
        conjunction ? cubes.flatMap((a) => next.flatMap((b) => join(a, b))) : [...cubes, ...next],
      );
      if (cubes.length > MAX_WORKING_CUBES) return null;
    }
    return cubes;
  }
}

/** Both cubes at once; none when they contradict each other. */
function join(a: Cube, b: Cube): Cube[] {
  const yes = union(a.yes, b.yes);
  const no = union(a.no, b.no);
  return yes.some((index) => no.includes(index)) ? [] : [{ yes, no }];
}

function union(a: readonly number[], b: readonly number[]): number[] {
  return [...new Set([...a, ...b])].sort((x, y) => x - y);
}

/** Drops every cube that another one, with fewer demands, makes needless. */
function absorb(cubes: readonly Cube[]): Cube[] {
  const kept: Cube[] = [];
  for (const cube of cubes.toSorted((a, b) => size(a) - size(b))) {
    if (!kept.some((weaker) => subset(weaker.yes, cube.yes) && subset(weaker.no, cube.no))) kept.push(cube);
  }
  return kept;
}

function size(cube: Cube): number {
  return cube.yes.length + cube.no.length;
}

function subset(a: readonly number[], b: readonly number[]): boolean {
  return a.every((index) => b.includes(index));
}
