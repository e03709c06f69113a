/** R005 and R006: exemptions that let in too many, and lines whose time is over. */
import { parsePrefix } from '../ip.ts';
import type { Atom, Condition, Program, Rule, Span } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import type { Annotation } from '../syntax/ast.ts';
import { caseOf, implies } from './implies.ts';
import { type Subject, warn } from './subject.ts';

/** Prefixes shorter than these hold more addresses than one organisation has. */
const WIDE_V4 = 8;
const WIDE_V6 = 19;
const DAY_MS = 86_400_000;
/** Lines that end this soon are worth a look. */
const SOON_MS = 30 * DAY_MS;

export function checkExemptions(subject: Subject): void {
  const { program, origins, report } = subject;
  for (const rule of program.rules) {
    const node = origins.rules.get(rule);
    if (!node || rule.tier !== 'exempt' || rule.shadow) continue;
    const wide = tooWide(program, rule);
    const has = (name: string): boolean => node.annotations.some((each) => each.name.text === name);
    if (wide !== null) {
      warn(report, 'PDL-R005', node.annotations, {
        span: node.when.span,
        message: `\`exempt ${rule.name}\` is too broad: ${wide}`,
        help: 'name fewer clients, or add a condition',
        details: { notes: ['an exempt client skips deny rules, limits and the score'], canBeIntended: true },
      });
    } else if (node.until === null && !has('why') && !has('expires')) {
      warn(report, 'PDL-R005', node.annotations, {
        span: node.name.span,
        message: `\`exempt ${rule.name}\` does not say why, nor until when`,
        help: 'add `@why "…"`, or `until` and a date',
        details: { notes: ['an exempt client skips deny rules, limits and the score'] },
      });
    }
  }
}

/** Why an exemption lets in too many, or null. */
function tooWide(program: Program, rule: Rule): string | null {
  if (rule.when.some(({ yes, no }) => yes.length + no.length === 0)) return 'it holds for every client';
  for (const { yes, no } of rule.when) {
    const tests = yes.map((index) => program.atoms[index]!);
    const prefix = tests.length === 1 && no.length === 0 ? widePrefix(program, tests[0]!) : null;
    if (prefix !== null) return `it lets in all of ${prefix}`;
  }
  const denied = program.rules.find((other) => blocks(other) && coversFeed(program, rule.when, other.when));
  return denied ? `it lets in all that \`${denied.tier} ${denied.name}\` turns away` : null;
}

function blocks({ tier, shadow }: Rule): boolean {
  return tier === 'deny' && !shadow;
}

/** The exemption holds wherever the deny does, and the deny is about one list. */
function coversFeed({ atoms, tables }: Program, exempt: Condition, deny: Condition): boolean {
  return (
    deny.length > 0 &&
    deny.every((cube) => {
      const given = caseOf(cube, atoms);
      const isList = given.yes.length === 1 && given.no.length === 0 && given.yes[0]!.kind === 'table';
      return isList && exempt.some((wanted) => implies(given, caseOf(wanted, atoms), tables));
    })
  );
}

function widePrefix({ tables }: Program, atom: Atom): string | null {
  if (atom.kind !== 'table') return null;
  const table = tables[atom.table]!;
  if (table.kind !== 'cidr') return null;
  const isWide = (member: string): boolean => {
    const prefix = parsePrefix(member);
    if (prefix === null) return false;
    return prefix.isV4 ? prefix.bits - 96 < WIDE_V4 : prefix.bits < WIDE_V6;
  };
  return table.members?.find(isWide) ?? null;
}

/** `until` and `@expires` of rules, against the clock. */
export function checkExpiry({ program, origins, report, now }: Subject): void {
  if (now === null) return;
  const timeNow = FACTS.findIndex(({ name }) => name === 'time.now');
  for (const rule of program.rules) {
    const node = origins.rules.get(rule);
    if (!node) continue;
    const end = Math.max(
      ...rule.when.flatMap(({ yes }) =>
        yes.flatMap((index) => {
          const atom = program.atoms[index]!;
          const isEnd = atom.kind === 'range' && 'fact' in atom.operand && atom.operand.fact === timeNow;
          return isEnd ? [atom.max + 1] : [];
        }),
      ),
    );
    if (node.until !== null)
      judge(report, node.annotations, node.until.span, `\`${rule.tier} ${rule.name}\``, end, now);
    const expires = node.annotations.find((each) => each.name.text === 'expires');
    const date = expires?.value == null ? Number.NaN : Date.parse(expires.value);
    if (expires && !Number.isNaN(date)) {
      judge(report, node.annotations, expires.name.span, `\`${rule.tier} ${rule.name}\``, date + DAY_MS, now);
    }
  }
}

function judge(
  report: Subject['report'],
  annotations: readonly Annotation[],
  span: Span,
  what: string,
  end: number,
  now: number,
): void {
  if (!Number.isFinite(end) || end - now > SOON_MS) return;
  const over = end <= now;
  const day = new Date(end - DAY_MS).toISOString().slice(0, 10);
  warn(report, 'PDL-R006', annotations, {
    span,
    message: over ? `${what} ended on ${day}` : `${what} ends on ${day}`,
    help: over ? 'remove it, or give it a later date' : 'decide whether it is still needed after that',
  });
}
