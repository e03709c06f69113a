/** Cheap findings about what can never happen; all of them are certain, none of them is complete. */
import type { Atom, Cube, Score } from '../ir.ts';

function operandKey(atom: Atom): string {
  return JSON.stringify(atom.operand);
}

/** True when a cube asks of one operand what cannot be: disjoint ranges, or a value of what is unknown. */
export function neverHolds(cube: Cube, atoms: readonly Atom[]): boolean {
  const bounds = new Map<string, { min: number; max: number }>();
  const tested = new Set<string>();
  for (const index of cube.yes) {
    const atom = atoms[index]!;
    const key = operandKey(atom);
    tested.add(key);
    if (atom.kind !== 'range') continue;
    const { min, max } = bounds.get(key) ?? { min: atom.min, max: atom.max };
    const narrowed = { min: Math.max(min, atom.min), max: Math.min(max, atom.max) };
    if (narrowed.min > narrowed.max) return true;
    bounds.set(key, narrowed);
  }
  return cube.no.some((index) => {
    const atom = atoms[index]!;
    const key = operandKey(atom);
    if (atom.kind === 'known') return tested.has(key);
    const within = bounds.get(key);
    return atom.kind === 'range' && within !== undefined && atom.min <= within.min && within.max <= atom.max;
  });
}

/** Bounds of a score that hold for every client: the sum of what each group and signal can add. */
export function scoreBounds(score: Score): { low: number; high: number } {
  const groups = score.groups.map(() => ({ low: 0, high: 0 }));
  const loose = { low: 0, high: 0 };
  for (const signal of score.signals) {
    const sum = signal.group === null ? loose : groups[signal.group]!;
    const points = signal.ramp
      ? [signal.ramp.y0, signal.ramp.y1]
      : [signal.when?.length ? signal.points! : 0];
    sum.low += Math.min(0, ...points);
    sum.high += Math.max(0, ...points);
  }
  const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
  let { low, high } = loose;
  score.groups.forEach((group, index) => {
    low += clamp(groups[index]!.low, group.floor, group.cap);
    high += clamp(groups[index]!.high, group.floor, group.cap);
  });
  return { low: clamp(low, score.min, score.max), high: clamp(high, score.min, score.max) };
}
