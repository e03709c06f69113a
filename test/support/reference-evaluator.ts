/** The decision core's evaluation written for clarity: the oracle of the differential tests. */
import type {
  Atom,
  Condition,
  Operand,
  Phase,
  Program,
  Rule,
  Rung,
  Score,
  Signal,
  Site,
} from '../../src/pdl/ir.ts';
import { FACTS } from '../../src/pdl/registry/facts.gen.ts';
import { covers, matchesHost, nearness, regexOfGlob } from './reference-members.ts';

export type Value = number | string | readonly number[] | readonly string[];

export interface Situation {
  /** By fact index; a fact that is not there is unknown. */
  readonly facts: ReadonlyMap<number, Value>;
  /** By counter index, events per second times 1,000,000. */
  readonly rates: ReadonlyMap<number, number>;
  /** By canary index, 0 to 999,999. */
  readonly draws: ReadonlyMap<number, number>;
  /** Members by feed index; those of a feed `to score` with their score behind a blank. */
  readonly feeds: ReadonlyMap<number, readonly string[]>;
  /** By feed index: does the DNS list have the client's address? */
  readonly listed?: ReadonlyMap<number, boolean>;
  readonly phase: number;
}

/** What one way of deciding comes to. */
export interface Outcome {
  readonly tier: Rule['tier'] | 'ladder';
  readonly rule: number;
  readonly policy: number;
  readonly rung: number;
  readonly score: number;
  readonly final: boolean;
}

export interface Answer extends Outcome {
  readonly ladder: 'site' | 'canary';
  readonly scoreLow: number;
  readonly scoreHigh: number;
  readonly matchedRules: readonly number[];
  readonly points: readonly number[];
  /** Null when the site has nothing in shadow. */
  readonly shadow: Outcome | null;
  readonly wouldMatch: readonly number[];
}

interface Total {
  readonly score: number;
  readonly scoreLow: number;
  readonly scoreHigh: number;
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

/** The score of a row of a batch: by signal, whether it holds or its ramp's operand; null adds nothing. */
export function scoreRow(score: Score, row: readonly (number | null)[]): number {
  const points = score.signals.map((signal, i) => {
    const value = row[i] ?? null;
    if (value === null || Number.isNaN(value) || signal.shadow) return 0;
    return signal.ramp ? rampPoints(signal.ramp, value) : value === 0 ? 0 : signal.points!;
  });
  return bound(score, points);
}

/** Sums points by signal within the bounds of the groups and of the score. */
function bound(score: Score, points: readonly number[]): number {
  const sum = (group: number | null): number =>
    points.reduce((total, each, i) => total + (score.signals[i]!.group === group ? each : 0), 0);
  const groups = score.groups.map((group, i) => clamp(sum(i), group.floor, group.cap));
  return clamp(
    groups.reduce((a, b) => a + b, sum(null)),
    score.min,
    score.max,
  );
}

function rampPoints({ x0, x1, y0, y1 }: NonNullable<Signal['ramp']>, x: number): number {
  return x <= x0 ? y0 : x >= x1 ? y1 : Math.trunc(y0 + ((y1 - y0) * (x - x0)) / (x1 - x0)) + 0;
}

class Reference {
  readonly #program: Program;
  readonly #now: Situation;

  constructor(program: Program, now: Situation) {
    this.#program = program;
    this.#now = now;
  }

  decide(siteIndex: number): Answer {
    const { rules, scores } = this.#program;
    const site = this.#program.sites[siteIndex]!;
    const score = scores[site.score]!;
    const holding = site.rules.filter((index) => this.#outlook(rules[index]!.when) === 'holds');
    const isShadow = (index: number): boolean => rules[index]!.shadow === true;
    const total = this.#total(score, false);
    const canary = site.canaryLadder ? this.#outlook(site.canaryLadder.when) : 'never';
    const enforced = this.#outcome(site, total, false);
    const ladder = enforced.tier === 'ladder' && canary === 'holds' ? 'canary' : 'site';
    const hasShadow =
      site.shadowLadder !== undefined ||
      site.rules.some(isShadow) ||
      score.signals.some((signal) => signal.shadow);
    return {
      ...enforced,
      ...total,
      ladder,
      matchedRules: holding.filter((index) => !isShadow(index)),
      points: score.signals.map((signal) => this.#signal(signal).now),
      shadow: hasShadow ? this.#outcome(site, this.#total(score, true), true) : null,
      wouldMatch: holding.filter(isShadow),
    };
  }

  /** The decision without, or with, what is in shadow. */
  #outcome(site: Site, total: Total, withShadow: boolean): Outcome {
    const rules = site.rules.filter((index) => withShadow || !this.#program.rules[index]!.shadow);
    const having = (outlook: Outlook): number[] =>
      rules.filter((index) => this.#outlook(this.#program.rules[index]!.when) === outlook);
    const open = having('maybe');
    const tierOf = (index: number): number => TIERS.indexOf(this.#program.rules[index]!.tier);
    const winner = having('holds').sort((a, b) => tierOf(a) - tierOf(b) || this.#compare(b, a) || a - b)[0];
    const { score } = total;
    if (winner === undefined) return { ...this.#climb(site, total, withShadow, open.length === 0), score };
    const rule = this.#program.rules[winner]!;
    const final = open.every(
      (other) =>
        tierOf(other) > tierOf(winner) ||
        (tierOf(other) === tierOf(winner) && this.#compare(other, winner) <= 0),
    );
    const policy = rule.outcome.action === 'use' ? rule.outcome.policy : -1;
    return { tier: rule.tier, rule: winner, policy, rung: -1, score, final };
  }

  /** Every ladder that may yet answer must lead to the same policy from every score that may yet come. */
  #climb(site: Site, total: Total, withShadow: boolean, settled: boolean): Omit<Outcome, 'score'> {
    const ladders = withShadow && site.shadowLadder ? [site.shadowLadder] : this.#ladders(site);
    const rungOf = (ladder: readonly Rung[], points: number): number =>
      ladder.findLastIndex((rung) => rung.from <= points);
    const rung = rungOf(ladders[0]!, total.score);
    const policy = ladders[0]![rung]!.policy;
    const possible = ladders.flatMap((ladder) =>
      ladder.slice(rungOf(ladder, total.scoreLow), rungOf(ladder, total.scoreHigh) + 1),
    );
    const final = settled && possible.every((other) => other.policy === policy);
    return { tier: 'ladder', rule: -1, policy, rung, final };
  }

  /** The ladder in force, then the one that may yet take its place. */
  #ladders(site: Site): (readonly Rung[])[] {
    const { canaryLadder, ladder } = site;
    if (!canaryLadder) return [ladder];
    const outlook = this.#outlook(canaryLadder.when);
    if (outlook === 'holds') return [canaryLadder.ladder];
    return outlook === 'maybe' ? [ladder, canaryLadder.ladder] : [ladder];
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

  #total(score: Score, withShadow: boolean): Total {
    const total = (pick: 'now' | 'low' | 'high'): number => {
      const points = score.signals.map((signal) =>
        signal.shadow && !withShadow ? 0 : this.#signal(signal)[pick],
      );
      return bound(score, points);
    };
    return { score: total('now'), scoreLow: total('low'), scoreHigh: total('high') };
  }

  #signal(signal: Signal): { now: number; low: number; high: number } {
    const outlook = signal.when ? this.#outlook(signal.when) : signal.ramp ? 'holds' : 'never';
    const none = { now: 0, low: 0, high: 0 };
    if (outlook === 'never') return none;
    const ends = signal.ramp ? [signal.ramp.y0, signal.ramp.y1] : [signal.points!];
    const open = { now: 0, low: Math.min(0, ...ends), high: Math.max(0, ...ends) };
    if (!signal.ramp) {
      const points = signal.points!;
      return outlook === 'maybe' ? open : { now: points, low: points, high: points };
    }
    const { operand } = signal.ramp;
    if (this.#isPending(operand)) return open;
    const x = this.#number(operand);
    if (x === null) return none;
    const now = rampPoints(signal.ramp, x);
    return outlook === 'maybe'
      ? { now: 0, low: Math.min(0, now), high: Math.max(0, now) }
      : { now, low: now, high: now };
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
    if ('lookup' in operand) return PHASES.indexOf(FACTS[operand.of]!.phase) > phase;
    if ('listed' in operand) return false;
    const [earliest, key] =
      'counter' in operand
        ? [1, this.#program.counters[operand.counter]!.key]
        : [0, this.#program.canaries[operand.canary]!.key];
    return Math.max(earliest, ...key.map((part) => PHASES.indexOf(FACTS[part.fact]!.phase))) > phase;
  }

  #value(operand: Operand): Value | undefined {
    if ('lookup' in operand) return this.#scoreOf(operand.lookup, operand.of);
    if ('listed' in operand) {
      const listed = this.#now.listed?.get(operand.listed);
      return listed === undefined ? undefined : Number(listed);
    }
    if ('fact' in operand) return this.#now.facts.get(operand.fact);
    return 'counter' in operand ? this.#now.rates.get(operand.counter) : this.#now.draws.get(operand.canary);
  }

  /** What a map says of a fact: the nearest of the members that cover it, of equally near ones the highest score. */
  #scoreOf(feed: number, fact: number): number | undefined {
    const value = this.#now.facts.get(fact);
    const { type } = this.#program.feeds[feed]!;
    if (value === undefined || typeof value === 'object') return undefined;
    const entries = (this.#now.feeds.get(feed) ?? []).flatMap((entry) => {
      const [member, score] = entry.split(/ (?=\d+$)/) as [string, string];
      const near = nearness(type, member, String(value));
      return near === -1 ? [] : [{ near, score: Number(score) }];
    });
    return entries.sort((a, b) => b.near - a.near || b.score - a.score)[0]?.score;
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
    if (!('fact' in atom.operand)) return 'unknown';
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
    // why: an empty list has no values to tell its kind by, and holds nothing of any table.
    if (values.length === 0) return 'false';
    const numeric = values.every((v) => typeof v === 'number');
    if (table.kind === 'number')
      return numeric ? truth(values.some((v) => members.includes(String(v)))) : 'unknown';
    if (numeric) return 'unknown';
    if (table.kind === 'glob' || table.kind === 'regex') {
      const [pattern = ''] = members;
      const matcher = new RegExp(table.kind === 'regex' ? pattern : regexOfGlob(pattern), 'u');
      return truth(values.some((v) => matcher.test(v as string)));
    }
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
