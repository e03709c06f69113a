/** Rules: a tier, a condition and an outcome. */

import { warn } from '../check/subject.ts';
import type { Condition, Rule } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import type { RuleNode } from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { compileCondition } from './condition.ts';
import { and, atom, type Formula } from './formula.ts';
import type { Module } from './modules.ts';
import { checkAnnotations } from './notes.ts';
import { compilePolicy } from './policy.ts';
import { compileVerdict } from './source.ts';
import { canaryTest, isShadow, narrowed } from './stages.ts';
import { timeOf } from './units.ts';

const TIME_NOW = FACTS.findIndex((fact) => fact.name === 'time.now');
const DAY_MS = 86_400_000;

export function compileRule(build: Build, module: Module, node: RuleNode): Rule {
  const { report } = build;
  const shadow = isShadow(node.stage) ? { shadow: true } : {};
  const test = canaryTest(build, node.stage, node.name.text);
  checkAnnotations(build, node.annotations);
  const before = report.errorCount;
  const owner = `${node.tier} ${node.name.text}`;
  const condition = compileCondition(build, module, node.when);
  const inForce = narrowed(beforeEnd(build, node, condition), test);
  const when = build.condition(inForce, owner, node.when.span);
  if (report.errorCount === before) judge(build, node, owner, when);
  const outcome = ruleOutcome(build, module, node);
  const rule: Rule = { name: node.name.text, tier: node.tier, when, outcome, ...shadow, span: node.span };
  build.origins.rules.set(rule, node);
  return rule;
}

/** Conditions that are never or always true, or true in fewer ways than they are written. */
function judge({ report, dropped }: Build, node: RuleNode, owner: string, when: Condition): void {
  const { span } = node.when;
  const say = (code: string, message: string, help: string): void =>
    warn(report, code, node.annotations, { span, message, help });
  if (when.length === 0) {
    const message = `\`${owner}\` can never fire: its condition contradicts itself`;
    say('PDL-R001', message, 'remove it, or correct the condition');
  } else if (when.some(({ yes, no }) => yes.length + no.length === 0)) {
    say('PDL-R001', `\`${owner}\` fires for every client`, 'add a condition that some clients fail');
  } else if (dropped > 0) {
    const message = `a part of the condition of \`${owner}\` can never hold: it contradicts itself`;
    say('PDL-R004', message, 'remove that alternative, or correct it');
  }
}

/** `until` a date holds through the end of that day, in UTC. */
function beforeEnd(build: Build, node: RuleNode, condition: Formula | null): Formula | null {
  if (node.until === null || condition === null) return condition;
  const day = timeOf(node.until.text);
  if (Number.isNaN(day)) {
    build.report.error(
      'PDL-Y007',
      node.until.span,
      `\`${node.until.text}\` is no day of the calendar`,
      'correct the date',
    );
    return null;
  }
  const min = Number.MIN_SAFE_INTEGER;
  return and([condition, atom({ kind: 'range', operand: { fact: TIME_NOW }, min, max: day + DAY_MS - 1 })]);
}

function ruleOutcome(build: Build, module: Module, { tier, outcome, name }: RuleNode): Rule['outcome'] {
  const grants = tier === 'exempt' || tier === 'pin';
  const problem = (message: string, help: string): Rule['outcome'] => {
    build.report.error('PDL-R010', outcome?.span ?? name.span, message, help);
    return { action: 'accept' };
  };
  if (outcome === null) {
    const help = grants ? 'add `use POLICY`' : 'add `do drop`, `do reset`, `do refuse alert access_denied` …';
    return problem(`\`${tier} ${name.text}\` does not say what to do`, help);
  }
  if (outcome.action === 'use') return { action: 'use', policy: compilePolicy(build, module, outcome.name) };
  if (grants) return problem(`\`${tier}\` grants a policy, not a verdict`, 'write `use POLICY`');
  if (outcome.action === 'challenge')
    return problem('a rule cannot pose a challenge', 'use a policy that does');
  const verdict = compileVerdict(build, outcome);
  if (verdict.action === 'accept') {
    return problem(
      `\`${tier}\` turns clients away and cannot accept them`,
      'write an `exempt` rule to let clients in',
    );
  }
  return verdict;
}
