/** The decision core's evaluation written for clarity: the oracle of the differential tests. */
import { isIPv4 } from 'node:net';
import type { Atom, Condition, Operand, Phase, Program, Rule, Signal } from '../../src/pdl/ir.ts';
import { FACTS } from '../../src/pdl/registry/facts.gen.ts';

export type Value = number | string | readonly number[] | readonly string[];

export interface Situation {
  /** By fact index; a fact that is not there is unknown. */
  readonly facts: ReadonlyMap<number, Value>;
  /** By counter index, events per second times 1,000,000. */
  readonly rates: ReadonlyMap<number, number>;
  /** Members by feed index. */
  readonly feeds: ReadonlyMap<number, readonly string[]>;
  readonly phase: number;
}

export interface Answer {
  readonly tier: Rule['tier'] | 'ladder';
  readonly rule: number;
  readonly policy: number;
  readonly rung: number;
  readonly score: number;
  readonly scoreLow: number;
  readonly scoreHigh: number;
  readonly final: boolean;
  readonly matchedRules: readonly number[];
  readonly points: readonly number[];
}

type Truth = 'true' | 'false' | 'unknown' | 'pending';
type Outlook = 'never' | 'maybe' | 'holds';

const PHASES: readonly Phase[] = ['connect', 'hello', 'cert', 'request'];
const TIERS: readonly Rule['tier'][] = ['forbid', 'exempt', 'deny', 'pin'];
const ACTIONS = ['accept', 'challenged', 'tarpit', 'refuse', 'reset', 'drop'];

/** Decides for a site as the core must. */
export function evaluate(program: Program, site: number, now: Situation): Answer {
  return new Reference(program, now).decide(site);
}

class Reference {
  readonly #program: Program;
  readonly #now: Situation;

  constructor(program: Program, now: Situation) {
    this.#program = program;
    this.#now = now;
  }

  decide(siteIndex: number): Answer {
    const site = this.#program.sites[siteIndex]!;
    const outlooks = site.rules.map((index) => ({
      index,
      outlook: this.#outlook(this.#program.rules[index]!.when),
    }));
    const matchedRules = outlooks.filter((o) => o.outlook === 'holds').map((o) => o.index);
    const open = outlooks.filter((o) => o.outlook === 'maybe').map((o) => o.index);
    const score = this.#score(this.#program.scores[site.score]!);
    const base = { ...score, matchedRules };
    const tierOf = (index: number): number => TIERS.indexOf(this.#program.rules[index]!.tier);
    const winner = [...matchedRules].sort((a, b) => tierOf(a) - tierOf(b) || this.#compare(b, a) || a - b)[0];
    if (winner !== undefined) {
      const rule = this.#program.rules[winner]!;
      const final = open.every(
        (other) =>
          tierOf(other) > tierOf(winner) ||
          (tierOf(other) === tierOf(winner) && this.#compare(other, winner) <= 0),
      );
      const policy = rule.outcome.action === 'use' ? rule.outcome.policy : -1;
      return { ...base, tier: rule.tier, rule: winner, policy, rung: -1, final };
    }
    const rungOf = (points: number): number => site.ladder.findLastIndex((rung) => rung.from <= points);
    const rung = rungOf(score.score);
    const policy = site.ladder[rung]!.policy;
    const possible = site.ladder.slice(rungOf(score.scoreLow), rungOf(score.scoreHigh) + 1);
    const final = open.length === 0 && possible.every((r) => r.policy === policy);
    return { ...base, tier: 'ladder', rule: -1, policy, rung, final };
  }

  /** Positive when rule `a` has the stricter outcome. */
  #compare(a: number, b: number): number {
    const [x, y] = [this.#weight(a), this.#weight(b)];
    const difference = x.findIndex((part, i) => part !== y[i]);
    return difference === -1 ? 0 : x[difference]! > y[difference]! ? 1 : -1;
  }

  #weight(index: number): (number | string)[] {
    const { outcome } = this.#program.rules[index]!;
    const policy = outcome.action === 'use' ? this.#program.policies[outcome.policy]! : null;
    const verdict = outcome.action === 'use' ? policy!.verdict : outcome;
    const challenged = verdict.action === 'accept' && policy !== null && policy.challenge !== null;
    return [
      ACTIONS.indexOf(challenged ? 'challenged' : verdict.action),
      policy?.rank ?? 0,
      verdict.action === 'tarpit' ? verdict.durationMs : 0,
      verdict.action === 'refuse' ? verdict.alert : '',
    ];
  }

  #score(score: Program['scores'][number]): Pick<Answer, 'score' | 'scoreLow' | 'scoreHigh' | 'points'> {
    const bounds = score.signals.map((signal) => this.#signal(signal));
    const total = (pick: 'now' | 'low' | 'high'): number => {
      const sum = (group: number | null): number =>
        bounds.reduce((points, b, i) => points + (score.signals[i]!.group === group ? b[pick] : 0), 0);
      const groups = score.groups.map((group, i) => clamp(sum(i), group.floor, group.cap));
      return clamp(
        groups.reduce((a, b) => a + b, sum(null)),
        score.min,
        score.max,
      );
    };
    const points = bounds.map((b) => b.now);
    return { score: total('now'), scoreLow: total('low'), scoreHigh: total('high'), points };
  }

  #signal(signal: Signal): { now: number; low: number; high: number } {
    if (!signal.ramp) {
      const points = signal.points!;
      const outlook = this.#outlook(signal.when!);
      if (outlook === 'holds') return { now: points, low: points, high: points };
      return outlook === 'maybe'
        ? { now: 0, low: Math.min(0, points), high: Math.max(0, points) }
        : { now: 0, low: 0, high: 0 };
    }
    const { operand, x0, x1, y0, y1 } = signal.ramp;
    if (this.#isPending(operand)) return { now: 0, low: Math.min(0, y0, y1), high: Math.max(0, y0, y1) };
    const x = this.#number(operand);
    if (x === null) return { now: 0, low: 0, high: 0 };
    const now = x <= x0 ? y0 : x >= x1 ? y1 : Math.trunc(y0 + ((y1 - y0) * (x - x0)) / (x1 - x0)) + 0;
    return { now, low: now, high: now };
  }

  #outlook(condition: Condition): Outlook {
    const cubes = condition.map((cube): Outlook => {
      const parts = [
        ...cube.yes.map((atom) => ({ truth: this.#atom(this.#program.atoms[atom]!), want: 'true' })),
        ...cube.no.map((atom) => ({ truth: this.#atom(this.#program.atoms[atom]!), want: 'false' })),
      ];
      if (parts.every((part) => part.truth === part.want)) return 'holds';
      return parts.every((part) => part.truth === part.want || part.truth === 'pending') ? 'maybe' : 'never';
    });
    return cubes.includes('holds') ? 'holds' : cubes.includes('maybe') ? 'maybe' : 'never';
  }

  #isPending(operand: Operand): boolean {
    const { phase } = this.#now;
    if ('fact' in operand) return PHASES.indexOf(FACTS[operand.fact]!.phase) > phase;
    const keys = this.#program.counters[operand.counter]!.key.map((part) =>
      PHASES.indexOf(FACTS[part.fact]!.phase),
    );
    return Math.max(1, ...keys) > phase;
  }

  #value(operand: Operand): Value | undefined {
    return 'fact' in operand ? this.#now.facts.get(operand.fact) : this.#now.rates.get(operand.counter);
  }

  #number(operand: Operand): number | null {
    const value = this.#value(operand);
    if (typeof value === 'number') return value;
    return Array.isArray(value) ? value.length : null;
  }

  #atom(atom: Atom): Truth {
    if (this.#isPending(atom.operand)) return 'pending';
    const value = this.#value(atom.operand);
    if (atom.kind === 'known') return truth(value !== undefined);
    if (value === undefined) return 'unknown';
    if (atom.kind === 'range') {
      const number = this.#number(atom.operand);
      return number === null ? 'unknown' : truth(atom.min <= number && number <= atom.max);
    }
    if (atom.kind === 'table') return this.#inTable(atom.table, value);
    if ('counter' in atom.operand) return 'unknown';
    if (typeof value === 'number') return truth(atom.values.includes(value));
    if (!Array.isArray(value) || !value.every((code) => typeof code === 'number')) return 'unknown';
    return truth(
      atom.kind === 'any'
        ? value.some((v) => atom.values.includes(v))
        : atom.values.every((v) => value.includes(v)),
    );
  }

  #inTable(index: number, value: Value): Truth {
    const table = this.#program.tables[index]!;
    const members = table.feed === undefined ? table.members : this.#now.feeds.get(table.feed);
    if (members === undefined) return 'unknown';
    const values: readonly (number | string)[] = typeof value === 'object' ? value : [value];
    const numeric = values.every((v) => typeof v === 'number');
    if (table.kind === 'number')
      return numeric ? truth(values.some((v) => members.includes(String(v)))) : 'unknown';
    if (numeric) return 'unknown';
    if (table.kind === 'cidr') return truth(members.some((member) => covers(member, values[0] as string)));
    if (table.kind === 'hash') return truth(values.some((v) => members.includes(v as string)));
    return truth(values.some((v) => members.some((member) => matchesHost(member, v as string))));
  }
}

function truth(condition: boolean): Truth {
  return condition ? 'true' : 'false';
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

function matchesHost(member: string, host: string): boolean {
  return member.startsWith('*.')
    ? host.length >= member.length && host.endsWith(member.slice(1))
    : member === host;
}

/** IPv4 prefixes only; the core's own tests cover IPv6. */
function covers(prefix: string, address: string): boolean {
  const [base, length = '32'] = prefix.split('/');
  if (!isIPv4(base!) || !isIPv4(address)) return false;
  const bits = (text: string): string =>
    text
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  return bits(base!).slice(0, Number(length)) === bits(address).slice(0, Number(length));
}
