/** R002 and R003: rules that never have an effect because others always come first. */
import type { Program, Rule, Site, Tier } from '../ir.ts';
import { rankOutcomes } from '../strictness.ts';
import { type Case, caseOf, holds, implies } from './implies.ts';
import { type Subject, warn } from './subject.ts';

const TIERS: readonly Tier[] = ['forbid', 'exempt', 'deny', 'pin'];

/** A rule as the checks compare it. */
interface Candidate {
  readonly index: number;
  readonly rule: Rule;
  readonly tier: number;
  readonly rank: number;
  readonly cases: readonly Case[];
}

export function checkShadowing(subject: Subject): void {
  const { program } = subject;
  const ranks = rankOutcomes(program);
  const followers = followersOf(program);
  const all = program.rules.map((rule, index): Candidate => {
    const cases = rule.when.map((cube) => caseOf(cube, program.atoms));
    return { index, rule, tier: TIERS.indexOf(rule.tier), rank: ranks[index]!, cases };
  });
  for (const site of program.sites) {
    const rules = site.rules.map((index) => all[index]!);
    const wide = new Anchors(program, rules);
    for (const rule of rules) {
      const winner = wide.near(rule, followers).find((other) => beats(program, other, rule));
      if (winner) reportShadowed(subject, site, winner, rule);
    }
  }
}

/** For each atom, the atoms that hold wherever it does, itself included. */
function followersOf({ atoms, tables }: Program): number[][] {
  return atoms.map((atom) => {
    const given = { yes: [atom], no: [] };
    return atoms.flatMap((other, index) => (holds(given, other, tables) ? [index] : []));
  });
}

/**
 * Rules by one of the tests that each of their cases needs, so that a rule is compared with those alone that its
 * first case could imply. Ranges are no anchors: several of them together may imply one that none implies alone.
 */
class Anchors {
  readonly #program: Program;
  readonly #byAtom = new Map<number, Set<Candidate>>();
  readonly #free = new Set<Candidate>();

  constructor(program: Program, rules: readonly Candidate[]) {
    this.#program = program;
    for (const rule of rules) {
      for (const { yes } of rule.rule.when) {
        const anchor =
          yes.find((index) => program.atoms[index]!.kind === 'table') ??
          yes.find((index) => program.atoms[index]!.kind !== 'range');
        if (anchor === undefined) this.#free.add(rule);
        else {
          const bucket = this.#byAtom.get(anchor) ?? new Set();
          this.#byAtom.set(anchor, bucket.add(rule));
        }
      }
    }
  }

  near({ index }: Candidate, followers: readonly (readonly number[])[]): Candidate[] {
    const first = this.#program.rules[index]!.when[0];
    const implied = new Set((first?.yes ?? []).flatMap((atom) => followers[atom]!));
    // why: a failing test says that its operand is known, so `known` may follow from it.
    const known =
      (first?.no.length ?? 0) > 0
        ? this.#program.atoms.flatMap(({ kind }, atom) => (kind === 'known' ? [atom] : []))
        : [];
    const buckets = [...implied, ...known].flatMap((atom) => [...(this.#byAtom.get(atom) ?? [])]);
    return [...new Set([...this.#free, ...buckets])];
  }
}

/** Wherever `rule` fires, `other` has already decided. */
function beats(program: Program, other: Candidate, rule: Candidate): boolean {
  if (other === rule || other.rule.shadow || rule.rule.shadow || rule.cases.length === 0) return false;
  if (other.tier > rule.tier || (other.tier === rule.tier && other.rank < rule.rank)) return false;
  if (!covers(program, other, rule)) return false;
  // why: of two equal rules only one is in the way of the other.
  const equal = other.tier === rule.tier && other.rank === rule.rank && covers(program, rule, other);
  return !equal || isBefore(other.rule, rule.rule);
}

function isBefore({ span: a }: Rule, { span: b }: Rule): boolean {
  return a.line < b.line || (a.line === b.line && a.column < b.column);
}

function covers(program: Program, wide: Candidate, narrow: Candidate): boolean {
  return narrow.cases.every((given) => wide.cases.some((wanted) => implies(given, wanted, program.tables)));
}

function reportShadowed(
  { program, origins, report }: Subject,
  site: Site,
  winner: Candidate,
  loser: Candidate,
): void {
  const node = origins.rules.get(loser.rule);
  const other = origins.rules.get(winner.rule);
  if (!node || !other) return;
  const name = `${loser.rule.tier} ${loser.rule.name}`;
  const { endLine, endColumn } = node.name.span;
  const span = { ...node.span, endLine, endColumn };
  const { span: place } = other;
  const keyword = { ...place, endLine: place.line, endColumn: place.column + winner.rule.tier.length };
  const same = winner.tier === loser.tier;
  if (same && winner.rank === loser.rank && covers(program, loser, winner)) {
    const message = `\`${name}\` says the same as \`${winner.rule.tier} ${winner.rule.name}\``;
    report.info('PDL-R003', span, message, 'remove one of them', {
      labels: [{ span: keyword, text: 'the same clients and the same outcome' }],
    });
    return;
  }
  const text = same
    ? `every client that matches the ${loser.rule.tier} below is ${winner.rank === loser.rank ? 'already decided' : 'treated more strictly'} here`
    : winner.rule.tier === 'exempt'
      ? `every client that matches the ${loser.rule.tier} below is exempt here first`
      : `every client that matches the ${loser.rule.tier} below is decided here first`;
  warn(report, 'PDL-R002', node.annotations, {
    span,
    message: `\`${name}\` never has an effect on site \`${site.name}\``,
    help: adviceFor(winner.rule.tier, loser.rule.tier),
    details: {
      labels: [{ span: keyword, text }],
      notes: [
        same
          ? 'inside a tier the strictest outcome wins; file order does not matter'
          : 'tiers are checked in the order forbid, exempt, deny; file order does not matter',
      ],
    },
  });
}

function adviceFor(winner: Tier, loser: Tier): string {
  if (winner === 'exempt' && loser === 'deny')
    return 'if this client must be blocked even when exempt, use `forbid`';
  return 'remove it, or narrow the condition of the other rule';
}
