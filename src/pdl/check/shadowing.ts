/** R002 and R003: rules that never have an effect because others always come first. */
import type { Operand, Program, Rule, Site, Tier } from '../ir.ts';
import { rankOutcomes } from '../strictness.ts';
import { type Case, caseOf, implies } from './implies.ts';
import { type Subject, warn } from './subject.ts';

const TIERS: readonly Tier[] = ['forbid', 'exempt', 'deny', 'pin'];

/** A rule as the checks compare it. */
interface Candidate {
  readonly rule: Rule;
  readonly tier: number;
  readonly rank: number;
  readonly cases: readonly Case[];
  /** Each case's operands, one bit each: what is not asked about cannot imply anything. */
  readonly operands: readonly bigint[];
}

export function checkShadowing(subject: Subject): void {
  const { program } = subject;
  const ranks = rankOutcomes(program);
  const candidates = new Map<number, Candidate>();
  for (const site of program.sites) {
    const rules = site.rules.map((index) => {
      const known = candidates.get(index) ?? candidateOf(program, index, ranks[index]!);
      candidates.set(index, known);
      return known;
    });
    for (const rule of rules) {
      const winner = rules.find((other) => beats(program, other, rule));
      if (winner) reportShadowed(subject, site, winner, rule);
    }
  }
}

function candidateOf(program: Program, index: number, rank: number): Candidate {
  const rule = program.rules[index]!;
  const cases = rule.when.map((cube) => caseOf(cube, program.atoms));
  const operands = cases.map(({ yes, no }) =>
    [...yes, ...no].reduce((mask, { operand }) => mask | bitOf(operand), 0n),
  );
  return { rule, tier: TIERS.indexOf(rule.tier), rank, cases, operands };
}

/** A bit for each operand; facts, counters, canaries and maps have ranges of their own. */
function bitOf(operand: Operand): bigint {
  if ('fact' in operand) return 1n << BigInt(operand.fact);
  if ('counter' in operand) return 1n << BigInt(128 + operand.counter);
  return 'canary' in operand ? 1n << BigInt(192 + operand.canary) : 1n << BigInt(256 + operand.lookup);
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
  return narrow.cases.every((given, index) =>
    wide.cases.some(
      (wanted, at) =>
        (wide.operands[at]! & ~narrow.operands[index]!) === 0n && implies(given, wanted, program.tables),
    ),
  );
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
