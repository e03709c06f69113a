/** An explanation of a decision, drawn for people. */
import type { RecordedDecision } from '../audit/find.ts';
import type { CatalogueEntry } from '../pdl/diagnostics/catalogue.ts';
import type { ExplainedGroup, ExplainedRule, Explanation } from '../pdl/explain/explanation.ts';
import type { Change } from '../pdl/explain/nearest.ts';
import { FACTS } from '../pdl/registry/facts.gen.ts';
import { showValue } from '../pdl/registry/show-value.ts';
import type { Paint } from './style.ts';

const TIERS = ['forbid', 'exempt', 'deny', 'pin'] as const;

/** A finding's page: what it means, why, what to avoid and what to prefer. */
export function codeReport(entry: CatalogueEntry, paint: Paint): string {
  const { code, severity, title, why, avoid, prefer } = entry;
  const example = (text: string): string => text.replaceAll(/^/gm, '    ');
  return [
    `${paint(severity === 'error' ? 'red' : severity === 'warning' ? 'yellow' : 'blue', `${severity} ${code}`)}: ${paint('bold', title)}`,
    '',
    why,
    '',
    paint('bold', 'avoid'),
    example(avoid),
    '',
    paint('bold', 'prefer'),
    example(prefer),
  ].join('\n');
}

/** The decision, how it was reached tier by tier, and the nearest change that would alter it. */
export function explanationReport(explanation: Explanation, paint: Paint): string {
  const { site, rules, score, ladder, nearest } = explanation;
  const reached = ladder.find((rung) => rung.reached);
  const byLadder = explanation.decision.tier === 'ladder';
  const lines = [
    `${paint('dim', `site ${site}:`)} ${paint('bold', decisionText(explanation.decision))}`,
    '',
    ...TIERS.slice(0, 3).flatMap((tier) => rulesOf(rules, tier, paint)),
    ...rulesOf(rules, 'pin', paint),
    label(
      'score',
      `${paint('bold', String(score.value))}  ${paint('dim', `${score.min} is good, ${score.max} is bad`)}`,
      paint,
    ),
    ...score.groups.flatMap((group) => groupLines(group, paint)),
    label('ladder', '', paint).trimEnd(),
    ...ladder.map(({ from, to, policy, reached: here }) => {
      const range = `${from}..${to}`.padStart(8);
      const text = `          ${here ? '▶' : ' '} ${range}  ${policy}`;
      return here ? paint('bold', text) : paint('dim', text);
    }),
  ];
  if (!byLadder && reached)
    lines.push(paint('dim', `            the ladder was not asked: ${tierText(explanation)}`));
  lines.push('', ...nearestLines(nearest, paint));
  return lines.join('\n');
}

/** Who was decided about; and, where no policy explains it, the points as they were recorded. */
export function recordedReport(decision: RecordedDecision, withParts: boolean, paint: Paint): string {
  const { id, time, facts, outcome, site, score, parts, matched } = decision;
  const lines = [`${paint('dim', `${time}  ${id}`)}  ended ${outcome}`, ...factLines(facts, paint), ''];
  if (!withParts) return lines.join('\n');
  const { policy, action, challenge, tier } = decision;
  const text = decisionText({
    tier: 'ladder',
    policy,
    action: action ?? 'nothing decided',
    challenge,
    difficulty: null,
  });
  const terms = parts.map(({ name, points }) => `${name} ${signed(points)}`).join(', ');
  lines.push(
    `${paint('dim', `site ${site}:`)} ${paint('bold', text)} ${paint('dim', `(by ${tier})`)}`,
    `score ${score}${terms === '' ? '' : `: ${terms}`}`,
    `matched ${matched.length === 0 ? 'nothing' : matched.join(', ')}`,
    paint('dim', 'with --policy FILE: the rungs, and what would have changed it'),
  );
  return lines.join('\n');
}

/** Every fact that is known, as a policy writes it. */
function factLines(facts: RecordedDecision['facts'], paint: Paint): string[] {
  const known = FACTS.filter(({ name }) => facts[name] !== undefined);
  const width = Math.max(...known.map(({ name }) => name.length));
  return known.map(
    (fact) => `  ${paint('cyan', fact.name.padEnd(width))}  ${plain(showValue(fact, facts[fact.name]!))}`,
  );
}

/** What a client wrote must not steer the terminal. */
const plain = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?');

function decisionText({ policy, action, challenge, difficulty }: Explanation['decision']): string {
  const by = policy === null ? '' : `policy ${policy}, `;
  const bits = difficulty ? ` of ${difficulty} bits` : '';
  return `${by}${action}${challenge === null ? '' : `, after challenge ${challenge}${bits}`}`;
}

function tierText({ decision: { tier }, rules }: Explanation): string {
  const rule = rules.find((each) => each.tier === tier && each.held);
  return rule === undefined ? `${tier} decided` : `${tier} ${rule.name} decided`;
}

function label(name: string, text: string, paint: Paint): string {
  return `  ${paint('cyan', name.padEnd(8))}${text}`;
}

function rulesOf(rules: readonly ExplainedRule[], tier: ExplainedRule['tier'], paint: Paint): string[] {
  const width = Math.max(...rules.map(({ name }) => name.length));
  return rules
    .filter((rule) => rule.tier === tier)
    .map(({ name, held, shadow, unknown, line }) => {
      const answer = held ? paint('yellow', 'holds        ') : paint('dim', 'does not hold');
      const note = unknown.length === 0 ? '' : paint('yellow', `  ${unknown.join(', ')} unknown`);
      const stage = shadow ? paint('dim', '  in the shadow: reported, not enforced') : '';
      const place = paint('dim', `line ${line}`);
      return label(tier, `${name.padEnd(width)}  ${answer}  ${place}${note}${stage}`, paint);
    });
}

function groupLines({ name, cap, floor, sum, points, signals }: ExplainedGroup, paint: Paint): string[] {
  const held = signals.filter((signal) => signal.points !== 0);
  const unknown = signals.filter((signal) => signal.unknown.length > 0);
  const bounded =
    cap !== null && sum > cap
      ? ` (capped from ${sum})`
      : floor !== null && sum < floor
        ? ` (raised from ${sum})`
        : '';
  const head = `${signed(points).padStart(6)}  ${(name ?? '(no group)').padEnd(14)}`;
  const terms = held.map((signal) => `${signal.name} ${signed(signal.points)}`).join(', ');
  const text = `          ${head}${terms}${bounded}`;
  return [
    held.length === 0 ? paint('dim', text.trimEnd()) : text,
    ...unknown.map((signal) =>
      paint(
        'yellow',
        `                          ${signal.name} adds nothing: ${signal.unknown.join(', ')} unknown`,
      ),
    ),
  ];
}

const signed = (points: number): string => (points > 0 ? `+${points}` : String(points));

function nearestLines(changes: readonly Change[], paint: Paint): string[] {
  if (changes.length === 0)
    return [paint('dim', '  no change of one fact or two was found that alters this')];
  return [
    '  another decision, if it were',
    ...changes.map(({ given, policy, action, challenge, score }) => {
      const outcome = decisionText({ tier: 'ladder', policy, action, challenge, difficulty: null });
      return `    ${paint('green', given.join('  and  '))}  ${paint('dim', '→')} ${outcome} ${paint('dim', `(score ${score})`)}`;
    }),
  ];
}
