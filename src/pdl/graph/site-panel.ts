/** One site as a panel: its rules, its score, the ladder, and the policies that the ladder leads to. */

import { explainLadder } from '../explain/explanation.ts';
import type { Policy, Program, Rule, Score, Signal, Site } from '../ir.ts';
import { showVerdict } from '../testing/test-run.ts';
import { cardLines, type Tone, toneOf } from './policy-card.ts';
import { type Block, fitted, path, rect, round, text } from './svg.ts';

export const WIDTH = 1000;
const PADDING = 24;
const INNER = WIDTH - 2 * PADDING;
const RULES_WIDTH = 400;
const SCORE_X = PADDING + RULES_WIDTH + 32;
const SCORE_WIDTH = INNER - RULES_WIDTH - 32;
const ROW = 22;
/** Name, server names and listeners. */
const HEADER = 94;
/** Of an average character of the small and the normal type. */
const SMALL = 5.9;
const NORMAL = 6.6;
const CARD_GAP = 12;

/** The panel with its top at `top`; `state` says of which states of modes it is. */
export function sitePanel(program: Program, site: Site, name: string, state: string, top: number): Block {
  const rules = rulesColumn(program, site, top + HEADER);
  const score = scoreColumn(program.scores[site.score]!, top + HEADER);
  const ladderTop = top + HEADER + Math.max(rules.height, score.height) + 30;
  const ladder = ladderRow(program, site, ladderTop);
  const height = ladderTop - top + ladder.height + PADDING;
  const names = Array.isArray(site.sni) ? site.sni.join(', ') : site.sni === 'any' ? 'any name' : 'no name';
  const onError = program.policies[site.onError]!.name;
  const elements = [
    rect('panel', 0.5, top + 0.5, WIDTH - 1, height - 1, 10),
    text('title', PADDING, top + 38, name),
    text(
      'soft',
      PADDING,
      top + 58,
      fitted(`${names}${state === '' ? '' : `  ·  ${state}`}`, INNER - 260, NORMAL),
    ),
    text('small', WIDTH - PADDING, top + 38, `listens on ${site.listeners.join(', ') || 'the same'}`, 'end'),
    text('small', WIDTH - PADDING, top + 58, `when the engine cannot answer: ${onError}`, 'end'),
    ...rules.elements,
    ...score.elements,
    ...ladder.elements,
  ];
  return { elements, height };
}

const TIERS: readonly Rule['tier'][] = ['forbid', 'exempt', 'deny', 'pin'];

function rulesColumn(program: Program, site: Site, top: number): Block {
  const rules = site.rules.map((index) => program.rules[index]!);
  const ordered = TIERS.flatMap((tier) => rules.filter((rule) => rule.tier === tier));
  const elements = [text('head', PADDING, top, 'RULES, BEFORE THE SCORE')];
  let y = top + 12;
  if (ordered.length === 0) elements.push(text('soft', PADDING, y + 16, 'none'));
  for (const rule of ordered) {
    const { tone, outcome } = ruleOutcome(program, rule);
    elements.push(
      rect(rule.shadow ? `${tone} shade` : tone, PADDING, y + 2, 58, 18, 4),
      text('on-small', PADDING + 29, y + 15, rule.tier, 'middle'),
      text('strong', PADDING + 68, y + 15, fitted(rule.name, 140, NORMAL)),
      text('small', PADDING + RULES_WIDTH, y + 15, fitted(outcome, 200, SMALL), 'end'),
    );
    y += ROW + 4;
  }
  const limits = site.limits.map((index) => program.limits[index]!.name);
  if (limits.length > 0) {
    elements.push(text('small', PADDING, y + 15, fitted(`limits: ${limits.join(', ')}`, RULES_WIDTH, SMALL)));
    y += ROW;
  }
  return { elements, height: Math.max(y, top + 34) - top };
}

function ruleOutcome(program: Program, { outcome, shadow }: Rule): { tone: Tone; outcome: string } {
  const note = shadow ? ' (shadow)' : '';
  if (outcome.action !== 'use') return { tone: 'bad', outcome: `${showVerdict(outcome)}${note}` };
  const policy = program.policies[outcome.policy]!;
  return { tone: toneOf(policy), outcome: `use ${policy.name}${note}` };
}

/** Groups with their caps, and under each its signals as bars on the scale of the score. */
function scoreColumn(score: Score, top: number): Block {
  const { name, min, max, groups, signals } = score;
  const elements = [
    text('head', SCORE_X, top, `SCORE ${name}`.toUpperCase()),
    text('small', SCORE_X + SCORE_WIDTH, top, `${min} is good, ${max} is bad`, 'end'),
  ];
  let y = top + 12;
  const draw = (title: string | null, members: readonly Signal[]): void => {
    if (members.length === 0) return;
    if (title !== null) {
      elements.push(text('small', SCORE_X, y + 14, title));
      y += 20;
    }
    for (const signal of members) {
      elements.push(...signalRow(signal, y, max - min));
      y += ROW;
    }
    y += 6;
  };
  groups.forEach((group, index) => {
    const members = signals.filter((signal) => signal.group === index);
    draw(`${group.name}, at most ${group.cap}`, members);
  });
  const alone = signals.filter(({ group }) => group === null);
  draw(groups.length === 0 ? null : 'on their own', alone);
  return { elements, height: y - top };
}

function signalRow({ name, points, ramp, shadow }: Signal, y: number, span: number): string[] {
  const [from, to] = ramp ? [ramp.y0, ramp.y1] : [points ?? 0, points ?? 0];
  const most = Math.abs(from) > Math.abs(to) ? from : to;
  const barX = SCORE_X + 180;
  const barWidth = SCORE_WIDTH - 180 - 56;
  const scale = (value: number): number => (Math.min(Math.abs(value), span) / span) * barWidth;
  const className = `${most < 0 ? 'minus' : 'plus'}${shadow ? ' shade' : ''}`;
  const middle = y + 11;
  const bar = ramp
    ? path(
        className,
        `M${barX} ${middle + 5} L${round(barX + scale(most))} ${middle - 5} L${round(barX + scale(most))} ${middle + 5} Z`,
      )
    : rect(className, barX, middle - 5, scale(most), 10, 2);
  const label = ramp ? `${from}..${signed(to)}` : signed(most);
  return [
    text('', SCORE_X + 12, y + 15, fitted(name, 160, NORMAL)),
    rect('track', barX, middle - 5, barWidth, 10, 2),
    bar,
    text('small', SCORE_X + SCORE_WIDTH, y + 15, label, 'end'),
  ];
}

const signed = (value: number): string => (value > 0 ? `+${value}` : String(value));

/** The scale of the score, coloured by what it leads to, and a card for each rung. */
function ladderRow(program: Program, site: Site, top: number): Block {
  const { min, max } = program.scores[site.score]!;
  const rungs = explainLadder(program, site, min);
  const scale = (value: number): number => PADDING + ((value - min) / (max - min + 1)) * INNER;
  const elements = [text('head', PADDING, top, 'LADDER')];
  const barY = top + 12;
  const cards = site.ladder.map(({ policy }) => program.policies[policy]!);
  const cardWidth = (INNER - CARD_GAP * (cards.length - 1)) / cards.length;
  const cardY = barY + 28 + 34;
  const cardHeight = Math.max(...cards.map((policy) => cardLines(program, policy).length)) * 17 + 44;
  cards.forEach((policy, index) => {
    const { from, to } = rungs[index]!;
    const [left, right] = [scale(from), scale(to + 1)];
    const cardX = PADDING + index * (cardWidth + CARD_GAP);
    const [middle, cardMiddle] = [(left + right) / 2, cardX + cardWidth / 2];
    const range = `${from}–${to}`;
    elements.push(
      path(
        'link',
        `M${round(middle)} ${barY + 28} C${round(middle)} ${barY + 46} ${round(cardMiddle)} ${barY + 44} ${round(cardMiddle)} ${cardY}`,
      ),
      rect(toneOf(policy), left + 1, barY, right - left - 2, 28, 4),
      text('on', middle, barY + 18, fitted(range, right - left, NORMAL), 'middle'),
      ...card(program, policy, cardX, cardY, cardWidth, cardHeight),
    );
  });
  return { elements, height: cardY + cardHeight - top };
}

function card(
  program: Program,
  policy: Policy,
  x: number,
  y: number,
  width: number,
  height: number,
): string[] {
  const lines = cardLines(program, policy);
  return [
    rect('card', x + 0.5, y + 0.5, width - 1, height - 1, 6),
    rect(toneOf(policy), x, y, width, 5, 2.5),
    text('strong', x + 12, y + 26, fitted(policy.name, width - 24, NORMAL + 0.6)),
    ...lines.map((line, index) =>
      text('small', x + 12, y + 46 + index * 17, fitted(line, width - 24, SMALL)),
    ),
  ];
}
