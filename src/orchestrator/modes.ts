/**
 * Modes of the whole edge: which state each is in, and what switches it. A state is entered once its `enter` has held
 * for as long as it says, and left for a lesser one only by its own `leave`. Of states that could be entered the one
 * declared last wins, so a policy lists them from calm to grave.
 */
import type { Atom, Condition, Mode, Program, Switch } from '../pdl/ir.ts';
import { FACT } from './facts.ts';

/** What is true of the whole edge. Units are those of the facts. */
export interface SystemFacts {
  /** Open connections of the process. */
  readonly inflight: number;
  readonly handshakes: number;
  readonly load: number;
  readonly hour: number;
  readonly weekday: number;
  readonly nowMs: number;
}

/** One mode, for the admin API and the metrics. */
export interface ModeReport {
  readonly name: string;
  readonly states: readonly string[];
  readonly state: string;
  /** An operator holds it there. */
  readonly forced: boolean;
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
}

interface Running {
  readonly mode: Mode;
  state: number;
  forced: boolean;
  sinceMs: number;
  /** By state: since when `enter` and `leave` have held without a break; null: they do not hold. */
  readonly entering: (number | null)[];
  readonly leaving: (number | null)[];
}

function start(mode: Mode, nowMs: number): Running {
  const never = (): (number | null)[] => mode.states.map(() => null);
  return {
    mode,
    state: mode.initial,
    forced: false,
    sinceMs: nowMs,
    entering: never(),
    leaving: never(),
  };
}

function factOf(atom: Atom, facts: SystemFacts): number {
  if (!('fact' in atom.operand)) return Number.NaN;
  switch (atom.operand.fact) {
    case FACT.inflight:
      return facts.inflight;
    case FACT.handshakes:
      return facts.handshakes;
    case FACT.load:
      return facts.load;
    case FACT.hour:
      return facts.hour;
    case FACT.weekday:
      return facts.weekday;
    case FACT.now:
      return facts.nowMs;
    default:
      return Number.NaN;
  }
}

/** Facts of the whole edge are always known, so an atom is true or false; one that no mode may ask about is false. */
function holdsAtom(atom: Atom, facts: SystemFacts): boolean {
  const value = factOf(atom, facts);
  if (Number.isNaN(value)) return false;
  if (atom.kind === 'known') return true;
  if (atom.kind === 'range') return atom.min <= value && value <= atom.max;
  return atom.kind !== 'table' && atom.values.includes(value);
}

function holds(condition: Condition, atoms: readonly boolean[]): boolean {
  return condition.some(({ yes, no }) => yes.every((atom) => atoms[atom]) && !no.some((atom) => atoms[atom]));
}

/** Since when a switch has held, given since when it had. */
function heldSince(
  rule: Switch | null,
  atoms: readonly boolean[],
  since: number | null,
  nowMs: number,
): number | null {
  return rule !== null && holds(rule.when, atoms) ? (since ?? nowMs) : null;
}

function isDue(rule: Switch | null, since: number | null, nowMs: number): boolean {
  return rule !== null && since !== null && nowMs - since >= rule.holdMs;
}

/** The state that follows from how long each switch has held. */
function nextState({ mode, state, entering, leaving }: Running, nowMs: number): number {
  const { states, initial } = mode;
  const gravest = states.findLastIndex(({ enter }, index) => isDue(enter, entering[index]!, nowMs));
  const { leave } = states[state]!;
  if (gravest > state) return gravest;
  if (leave === null) return gravest === -1 ? state : gravest;
  if (!isDue(leave, leaving[state]!, nowMs)) return state;
  return gravest === -1 || gravest === state ? initial : gravest;
}

/** Keeps the modes of the policy in force; nobody but one thread calls it. */
export class Modes {
  #running: readonly Running[] = [];
  #shared = new Int32Array(new SharedArrayBuffer(0));

  /**
   * Takes over the modes of a program; one whose name and states are as before stays as it is.
   * @returns for each mode the index of its state, in memory that is kept up to date until the next `load`.
   */
  load(program: Program, nowMs: number): SharedArrayBuffer {
    this.#running = program.modes.map((mode) => {
      const before = this.#running.find((running) => running.mode.name === mode.name);
      const names = (of: Mode): string => of.states.map(({ name }) => name).join();
      return before !== undefined && names(before.mode) === names(mode)
        ? { ...before, mode }
        : start(mode, nowMs);
    });
    this.#shared = new Int32Array(new SharedArrayBuffer(this.#running.length * Int32Array.BYTES_PER_ELEMENT));
    this.#publish();
    return this.#shared.buffer as SharedArrayBuffer;
  }

  /** Looks at the edge. @returns the modes that were switched. */
  update(facts: SystemFacts): readonly ModeReport[] {
    const { nowMs } = facts;
    const switched = this.#running.filter((running) => {
      const { mode, entering, leaving } = running;
      const atoms = mode.atoms.map((atom) => holdsAtom(atom, facts));
      mode.states.forEach(({ enter, leave }, index) => {
        entering[index] = heldSince(enter, atoms, entering[index]!, nowMs);
        leaving[index] = heldSince(leave, atoms, leaving[index]!, nowMs);
      });
      const next = running.forced ? running.state : nextState(running, nowMs);
      if (next === running.state) return false;
      running.state = next;
      running.sinceMs = nowMs;
      return true;
    });
    if (switched.length > 0) this.#publish();
    return switched.map(report);
  }

  /**
   * Holds a mode in a state whatever happens, or with null lets it follow its conditions again.
   * @returns what it is now; null when there is no such mode or state.
   */
  force(name: string, state: string | null, nowMs: number): ModeReport | null {
    const running = this.#running.find(({ mode }) => mode.name === name);
    if (running === undefined) return null;
    const index =
      state === null ? running.state : running.mode.states.findIndex((each) => each.name === state);
    if (index === -1) return null;
    if (index !== running.state) running.sinceMs = nowMs;
    running.state = index;
    running.forced = state !== null;
    this.#publish();
    return report(running);
  }

  list(): readonly ModeReport[] {
    return this.#running.map(report);
  }

  #publish(): void {
    this.#running.forEach(({ state }, index) => {
      Atomics.store(this.#shared, index, state);
    });
  }
}

function report({ mode, state, forced, sinceMs }: Running): ModeReport {
  const states = mode.states.map(({ name }) => name);
  return { name: mode.name, states, state: states[state]!, forced, sinceMs };
}

/** Index of a site's form in the states of the program's modes; a site without forms is its own. */
export function formOf(program: Program, site: number, states: Int32Array): number {
  const { forms } = program.sites[site]!;
  if (forms === undefined) return site;
  let combination = 0;
  for (const mode of forms.modes) {
    combination = combination * program.modes[mode]!.states.length + Atomics.load(states, mode);
  }
  return forms.sites[combination] ?? site;
}
