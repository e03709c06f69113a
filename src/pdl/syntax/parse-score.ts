/** Scores, ladders, rules and sites. */
import type {
  GroupNode,
  LadderNode,
  Points,
  RuleNode,
  RulesetNode,
  RungNode,
  ScoreEntry,
  ScoreNode,
  SignalNode,
  SiteEntry,
  SiteNode,
} from './ast.ts';
import type { Cursor } from './cursor.ts';
import { SyntaxFailure } from './failure.ts';
import { parseAnnotations, parseOutcome, parseStage, parseVerdict } from './parse-common.ts';
import { parseExpression, parseItems, parseOperand } from './parse-expression.ts';

const STAGES = ['shadow', 'canary'];
const SCORE_ENTRIES = ['clamp', 'group', 'signal', 'retune', 'remove', ...STAGES];
const TIERS = ['forbid', 'exempt', 'deny', 'pin'] as const;
const SITE_ENTRIES = [
  'listen',
  'sni',
  'score',
  'ladder',
  'rules',
  'limits',
  'on_error',
  'during',
  ...TIERS,
  ...STAGES,
];

export function parseScore(cursor: Cursor): Pick<ScoreNode, 'name' | 'parent' | 'entries'> {
  cursor.expectWord('score');
  const name = cursor.identifier('the name of the score');
  const parent = cursor.acceptWord('extends') ? cursor.qualified('the score it extends') : null;
  return { name, parent, entries: cursor.block(SCORE_ENTRIES, 'a score', () => parseScoreEntry(cursor)) };
}

function parseScoreEntry(cursor: Cursor): ScoreEntry {
  const first = cursor.token;
  if (cursor.acceptWord('clamp')) {
    const from = cursor.int();
    cursor.expect('..');
    return { kind: 'clamp', from, to: cursor.int(), span: cursor.spanFrom(first) };
  }
  if (cursor.acceptWord('group')) {
    return { kind: 'group', group: parseGroup(cursor), span: cursor.spanFrom(first) };
  }
  if (cursor.acceptWord('retune')) {
    const name = cursor.identifier('a signal');
    cursor.space(name.text);
    return { kind: 'retune', name, points: parsePoints(cursor), span: cursor.spanFrom(first) };
  }
  if (cursor.acceptWord('remove')) {
    cursor.expectWord('signal');
    return { kind: 'remove', name: cursor.identifier('a signal'), span: cursor.spanFrom(first) };
  }
  const signal = parseSignal(cursor);
  return { kind: 'signal', signal, span: signal.span };
}

function parseGroup(cursor: Cursor): GroupNode {
  const name = cursor.identifier('the name of the group');
  cursor.expectWord('cap');
  const cap = cursor.int();
  const floor = cursor.acceptWord('floor') ? cursor.signed() : null;
  const signals = cursor.block(['signal', ...STAGES], 'a group', () => parseSignal(cursor));
  return { name, cap, floor, signals, span: name.span };
}

function parsePoints(cursor: Cursor): Points {
  const first = cursor.token;
  const from = cursor.signed();
  const isRange = cursor.accept('..');
  const to = isRange ? cursor.signed() : from;
  const number = (text: string): number => Number.parseInt(text.replaceAll('_', ''), 10);
  return { from: number(from.text), to: number(to.text), isRange, span: cursor.spanFrom(first) };
}

function parseSignal(cursor: Cursor): SignalNode {
  const annotations = parseAnnotations(cursor);
  const first = cursor.token;
  const stage = parseStage(cursor);
  cursor.expectWord('signal');
  const name = cursor.identifier('the name of the signal');
  cursor.space(name.text);
  const points = parsePoints(cursor);
  let when = null;
  let ramp = null;
  if (cursor.acceptWord('ramp')) {
    const operand = parseOperand(cursor);
    cursor.expectWord('from');
    const from = cursor.value();
    cursor.expectWord('to');
    ramp = { operand, from, to: cursor.value() };
  } else {
    if (!cursor.acceptWord('when')) cursor.fail('`when` or `ramp`');
    when = parseExpression(cursor);
  }
  return { name, annotations, stage, points, when, ramp, span: cursor.spanFrom(first) };
}

export function parseLadder(cursor: Cursor): Pick<LadderNode, 'name' | 'score' | 'rungs'> {
  cursor.expectWord('ladder');
  const name = cursor.identifier('the name of the ladder');
  cursor.expectWord('on');
  const score = cursor.qualified('the score it grades');
  return { name, score, rungs: parseRungs(cursor) };
}

function parseRungs(cursor: Cursor): RungNode[] {
  const open = cursor.token;
  const before = cursor.failures;
  const rungs = cursor.block(['from'], 'a ladder', () => {
    const first = cursor.token;
    cursor.expectWord('from');
    const from = cursor.int();
    cursor.expectWord('use');
    return { from, policy: cursor.qualified('a policy'), span: cursor.spanFrom(first) };
  });
  if (rungs.length === 0 && cursor.failures === before) {
    const message = 'this ladder has no rung';
    const help = 'write at least `from 0 use POLICY`';
    cursor.reportFailure(new SyntaxFailure('PDL-G001', cursor.spanOf(open), message, help));
  }
  return rungs;
}

export function parseRuleset(cursor: Cursor): Pick<RulesetNode, 'name' | 'rules'> {
  cursor.expectWord('ruleset');
  const name = cursor.identifier('the name of the ruleset');
  return { name, rules: cursor.block([...TIERS, ...STAGES], 'a ruleset', () => parseRule(cursor)) };
}

function parseRule(cursor: Cursor): RuleNode {
  const annotations = parseAnnotations(cursor);
  const first = cursor.token;
  const stage = parseStage(cursor);
  return parseRuleBody(cursor, { annotations, stage, first });
}

function parseRuleBody(
  cursor: Cursor,
  lead: { annotations: RuleNode['annotations']; stage: RuleNode['stage']; first: Cursor['token'] },
): RuleNode {
  const tier = TIERS.find((word) => cursor.is(word));
  if (tier === undefined) cursor.failAmong(TIERS, 'a rule');
  cursor.expectWord(tier);
  const name = cursor.identifier('the name of the rule');
  cursor.expectWord('when');
  const when = parseExpression(cursor);
  let outcome: RuleNode['outcome'] = null;
  if (cursor.acceptWord('do')) outcome = parseVerdict(cursor);
  else if (cursor.is('use')) outcome = parseOutcome(cursor);
  const until = cursor.acceptWord('until') ? cursor.literal('date', 'a date such as 2027-01-31') : null;
  const { annotations, stage, first } = lead;
  return { tier, name, annotations, stage, when, outcome, until, span: cursor.spanFrom(first) };
}

export function parseSite(cursor: Cursor): Pick<SiteNode, 'name' | 'entries'> {
  cursor.expectWord('site');
  const name = cursor.identifier('the name of the site');
  return { name, entries: cursor.block(SITE_ENTRIES, 'a site', () => parseSiteEntry(cursor)) };
}

function parseSiteEntry(cursor: Cursor): SiteEntry {
  const first = cursor.token;
  if (cursor.acceptWord('listen')) {
    const names = [cursor.identifier('a listener')];
    while (cursor.accept(',')) names.push(cursor.identifier('a listener'));
    return { kind: 'listen', names, span: cursor.spanFrom(first) };
  }
  if (cursor.accept('sni')) {
    const names = cursor.accept('any')
      ? ('any' as const)
      : cursor.accept('none')
        ? ('none' as const)
        : parseItems(cursor, 'set');
    return { kind: 'sni', names, span: cursor.spanFrom(first) };
  }
  if (cursor.acceptWord('score')) {
    return { kind: 'score', name: cursor.qualified('a score'), span: cursor.spanFrom(first) };
  }
  if (cursor.is('rules') || cursor.is('limits')) {
    const kind = cursor.take().text === 'rules' ? 'rules' : 'limits';
    return { kind, list: parseItems(cursor, 'list'), span: cursor.spanFrom(first) };
  }
  if (cursor.acceptWord('on_error')) {
    cursor.expectWord('use');
    return { kind: 'on_error', name: cursor.qualified('a policy'), span: cursor.spanFrom(first) };
  }
  if (cursor.acceptWord('during')) {
    const mode = cursor.identifier('a mode');
    const state = cursor.identifier('a state');
    const span = cursor.spanFrom(first);
    const entries = cursor.block(SITE_ENTRIES, 'a site', () => parseSiteEntry(cursor));
    return { kind: 'during', mode, state, entries, span };
  }
  const annotations = parseAnnotations(cursor);
  const lead = cursor.token;
  const stage = parseStage(cursor);
  if (cursor.accept('ladder')) {
    const ladder = cursor.is('{') ? parseRungs(cursor) : cursor.qualified('a ladder or `{`');
    return { kind: 'ladder', stage, ladder, span: cursor.spanFrom(lead) };
  }
  const rule = parseRuleBody(cursor, { annotations, stage, first: lead });
  return { kind: 'rule', rule, span: rule.span };
}
