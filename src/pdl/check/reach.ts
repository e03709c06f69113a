/** The highest score there can be, and how it comes about. */
import type { Program, Score, Signal } from '../ir.ts';
import { both, type Case, caseOf, implies, isImpossible } from './implies.ts';

/** What a search may cost before it settles for a bound. */
const MAX_STEPS = 4000;
const EMPTY: Case = { yes: [], no: [] };

export interface Highest {
  readonly score: number;
  /** A client exists for it, as far as the facts of the policy can tell; otherwise it is an upper bound. */
  readonly isExact: boolean;
  /** Signals that add up to it. */
  readonly signals: readonly Signal[];
}

/** The most points a signal can add. */
export function mostOf(signal: Signal): number {
  if (signal.shadow) return 0;
  if (signal.ramp) return Math.max(0, signal.ramp.y0, signal.ramp.y1);
  return signal.when?.length ? Math.max(0, signal.points ?? 0) : 0;
}

/** The ways in which a signal comes to add its most. */
function waysOf(signal: Signal, { atoms }: Pick<Program, 'atoms'>): Case[] {
  const cases = (signal.when ?? [{ yes: [], no: [] }]).map((cube) => caseOf(cube, atoms));
  if (!signal.ramp) return cases;
  const { operand, x0, x1, y0, y1 } = signal.ramp;
  const [min, max] = y1 >= y0 ? [x1, Number.MAX_SAFE_INTEGER] : [Number.MIN_SAFE_INTEGER, x0];
  const end: Case = { yes: [{ kind: 'range', operand, min, max }], no: [] };
  return cases.map((each) => both(each, end));
}

/** `counts`: which signals may add points. */
export function highestScore(
  score: Score,
  program: Pick<Program, 'atoms' | 'tables'>,
  counts: (signal: Signal) => boolean = () => true,
): Highest {
  const adding = score.signals.filter((signal) => mostOf(signal) > 0 && counts(signal));
  const taking = score.signals.filter((signal) => !signal.shadow && !signal.ramp && (signal.points ?? 0) < 0);
  const total = (signals: readonly Signal[], given: Case): number => {
    const forced = taking.filter((signal) => isForced(signal, given, program));
    const sum = (group: number | null): number =>
      signals.reduce((points, each) => points + (each.group === group ? mostOf(each) : 0), 0) +
      forced.reduce((points, each) => points + (each.group === group ? each.points! : 0), 0);
    const groups = score.groups.map(({ cap, floor }, index) => clamp(sum(index), floor, cap));
    return clamp(
      groups.reduce((a, b) => a + b, sum(null)),
      score.min,
      score.max,
    );
  };
  const bound = total(adding, EMPTY);
  let best: Highest = { score: score.min - 1, isExact: true, signals: [] };
  let steps = 0;
  const search = (index: number, taken: readonly Signal[], given: Case): void => {
    if (++steps > MAX_STEPS || best.score === bound) return;
    if (total([...taken, ...adding.slice(index)], EMPTY) <= best.score) return;
    const signal = adding[index];
    if (signal === undefined) {
      const found = total(taken, given);
      if (found > best.score) best = { score: found, isExact: true, signals: taken };
      return;
    }
    for (const way of waysOf(signal, program)) {
      const next = both(given, way);
      if (!isImpossible(next, program.tables)) search(index + 1, [...taken, signal], next);
    }
    search(index + 1, taken, given);
  };
  search(0, [], EMPTY);
  return steps > MAX_STEPS && best.score < bound ? { score: bound, isExact: false, signals: adding } : best;
}

/** The signal holds whatever else is true of a client in this case. */
function isForced(
  signal: Signal,
  given: Case,
  { atoms, tables }: Pick<Program, 'atoms' | 'tables'>,
): boolean {
  return (signal.when ?? []).some((cube) => implies(given, caseOf(cube, atoms), tables));
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
