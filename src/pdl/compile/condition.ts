/** Type checks a condition and turns it into a formula. */

import { suggest } from '../diagnostics/closest.ts';
import type { Operand, Span } from '../ir.ts';
import { looksLikeFact, resolveFact } from '../registry/fact-names.ts';
import { FACTS } from '../registry/facts.gen.ts';
import type { Comparison, Expression, OperandNode, TestNode, Value } from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { and, atom, type Formula, not, or } from './formula.ts';
import { compileModeTest } from './modes.ts';
import { fullName, lookup, type Module } from './modules.ts';
import { compilePattern } from './patterns.ts';
import { fits, holds, membership, resolveSet, tableKind } from './sets.ts';
import { compileCa, compileCounter, compileFeed } from './source.ts';
import { readValue, shapeOf, type ValueType } from './values.ts';

/** What a test reads: `list` when it holds several values. */
export interface Subject {
  readonly operand: Operand;
  readonly type: ValueType;
  readonly list: boolean;
  readonly label: string;
  /** Where it is written. */
  readonly span: Span;
}

const ORDERED: readonly ValueType[] = [
  'int',
  'bytes',
  'duration',
  'rate',
  'percent',
  'datetime',
  'tls_version',
];
const LOWEST = Number.MIN_SAFE_INTEGER;
const HIGHEST = Number.MAX_SAFE_INTEGER;

/** Null when something in it was reported. Every part is checked, so that one error hides no other. */
export function compileCondition(build: Build, module: Module, expression: Expression): Formula | null {
  switch (expression.kind) {
    case 'literal':
      return { kind: 'constant', value: expression.value };
    case 'not': {
      const item = compileCondition(build, module, expression.item);
      return item && not(item);
    }
    case 'and':
    case 'or': {
      const items = expression.items.map((item) => compileCondition(build, module, item));
      if (items.includes(null)) return null;
      return (expression.kind === 'and' ? and : or)(items as Formula[]);
    }
    case 'known': {
      const fact = resolveFact(expression.fact, build.report);
      if (fact === null) return null;
      const known = atom({ kind: 'known', operand: { fact } });
      return expression.negated ? not(known) : known;
    }
    case 'test':
      return compileTest(build, module, expression.operand, expression.test, expression.span);
  }
}

function compileTest(
  build: Build,
  module: Module,
  operand: OperandNode,
  test: TestNode | null,
  span: Span,
): Formula | null {
  if (operand.kind === 'name' && !looksLikeFact(operand.name.text)) {
    return compileNamed(build, module, operand.name, test);
  }
  if (operand.kind === 'mode') return compileModeTest(build, module, operand, test);
  const subject = resolveOperand(build, module, operand);
  if (subject === null) return null;
  if (test === null) {
    if (subject.type === 'bool' && !subject.list) return range(subject.operand, 1, 1);
    const message = `${subject.label} is no condition by itself`;
    build.report.error('PDL-Y001', span, message, 'compare it, or ask `known` or `unknown` of it');
    return null;
  }
  switch (test.kind) {
    case 'compare':
      return compileComparison(build, module, subject, test, span);
    case 'range':
      return compileRange(build, module, subject, test, span);
    case 'in':
      return compileMembership(build, module, subject, test, span);
    case 'has':
    case 'has_all':
      return compileHas(build, module, subject, test, span);
    case 'like':
    case 'matches':
      return compilePattern(build, module, subject, test);
  }
}

/** A `define` used as a condition; its own file's names apply inside. */
function compileNamed(
  build: Build,
  module: Module,
  name: { text: string; span: Span },
  test: TestNode | null,
): Formula | null {
  const { report } = build;
  if (['known', 'unknown', 'not'].includes(name.text)) {
    report.error(
      'PDL-N001',
      name.span,
      `\`${name.text}\` needs a fact after it`,
      `write \`${name.text} hello.sni\``,
    );
    return null;
  }
  if (
    /^(?:con|helo|cliant|tim|sy)[a-z]*\./.test(name.text) &&
    !module.imports.has(name.text.split('.')[0]!)
  ) {
    resolveFact(name, report);
    return null;
  }
  const found = lookup(module, ['define'], name, report);
  if (found === null) return null;
  build.used.add(found.node);
  if (test !== null) {
    const message = `\`${name.text}\` is a condition and cannot be compared`;
    report.error('PDL-Y001', name.span, message, 'use it by itself, or after `not`');
    return null;
  }
  if (build.closesCircle(found.node, name.span, `\`${name.text}\` is defined by itself`)) return null;
  return build.named(found.node, () => {
    build.open.add(found.node);
    const formula = compileCondition(build, found.module, found.node.condition);
    build.open.delete(found.node);
    return formula;
  });
}

function unsupported(build: Build, code: string, span: Span, what: string, help: string): null {
  build.report.error(code, span, `${what} not supported yet`, help);
  return null;
}

/** What an operand reads, or null after a report. */
export function resolveOperand(build: Build, module: Module, operand: OperandNode): Subject | null {
  const { report } = build;
  switch (operand.kind) {
    case 'first':
    case 'all':
      return unsupported(
        build,
        'PDL-X015',
        operand.span,
        `\`${operand.kind}(…)\` is`,
        'use `any(…)`, `has` or `has all`',
      );
    case 'lookup':
      return resolveLookup(build, module, operand);
    case 'mode': {
      const help = 'compare the mode with a state, as in `mode(posture) == siege`';
      report.error('PDL-Y001', operand.span, 'a mode is no number', help);
      return null;
    }
    case 'rate': {
      const found = lookup(module, ['counter'], operand.name, report);
      if (found === null) return null;
      build.used.add(found.node);
      const counter = compileCounter(build, found);
      return {
        operand: { counter },
        type: 'rate',
        list: false,
        label: `the rate of \`${operand.name.text}\``,
        span: operand.span,
      };
    }
    case 'count':
    case 'any': {
      const fact = resolveFact(operand.fact, report);
      if (fact === null) return null;
      const { name, type, list } = FACTS[fact]!;
      if (!list) {
        const message = `\`${name}\` is one value, and \`${operand.kind}\` needs a list`;
        report.error('PDL-Y003', operand.span, message, `write \`${name}\` by itself`);
        return null;
      }
      const label = `\`${operand.kind}(${name})\``;
      if (operand.kind === 'count')
        return { operand: { fact }, type: 'int', list: false, label, span: operand.span };
      return { operand: { fact }, type, list: false, label, span: operand.span };
    }
    case 'name': {
      if (!looksLikeFact(operand.name.text)) {
        const help = suggest(
          operand.name.text,
          FACTS.map((fact) => fact.name),
          'write a fact or rate(COUNTER)',
        );
        report.error('PDL-N006', operand.span, `there is no fact called \`${operand.name.text}\``, help);
        return null;
      }
      const fact = resolveFact(operand.name, report);
      if (fact === null) return null;
      const { name, type, list } = FACTS[fact]!;
      return { operand: { fact }, type, list, label: `\`${name}\``, span: operand.span };
    }
  }
}

/** `lookup(feed, fact)`: the score that a feed `to score` gives a fact. */
function resolveLookup(
  build: Build,
  module: Module,
  operand: Extract<OperandNode, { kind: 'lookup' }>,
): Subject | null {
  const { report } = build;
  const found = lookup(module, ['feed'], operand.name, report);
  const of = resolveFact(operand.fact, report);
  if (found === null || of === null) return null;
  const feed = compileFeed(build, found);
  const { type, list, name } = FACTS[of]!;
  if (!found.node.toScore) {
    const message = `\`${operand.name.text}\` is a set, and \`lookup\` reads a feed \`to score\``;
    report.error('PDL-Y005', operand.span, message, `write \`${name} in ${operand.name.text}\``);
    return null;
  }
  if (list || !fits(type, found.node.type.text as ValueType)) {
    const message = `\`${operand.name.text}\` maps values of type ${found.node.type.text}, and \`${name}\` is none`;
    report.error('PDL-Y005', operand.fact.span, message, 'look up a fact of the feed’s type');
    return null;
  }
  build.table({ kind: tableKind(found.node.type.text as ValueType), feed }, operand.span);
  const label = `the score of \`${name}\` in \`${operand.name.text}\``;
  return { operand: { lookup: feed, of }, type: 'int', list: false, label, span: operand.span };
}

function range(operand: Operand, min: number, max: number): Formula {
  return atom({ kind: 'range', operand, min, max });
}

export function rejectList(build: Build, subject: Subject, span: Span): null {
  const message = `${subject.label} is a list and cannot be compared as one value`;
  build.report.error(
    'PDL-Y003',
    span,
    message,
    'use `has VALUE`, `has all SET`, `any(…) in SET` or `count(…)`',
  );
  return null;
}

function compileComparison(
  build: Build,
  module: Module,
  subject: Subject,
  test: Extract<TestNode, { kind: 'compare' }>,
  span: Span,
): Formula | null {
  const { operator, value } = test;
  if (subject.list) return rejectList(build, subject, span);
  const equality = operator === '==' || operator === '!=';
  if (!equality && !ORDERED.includes(subject.type)) {
    const message = `values of type ${subject.type} have no order, so \`${operator}\` means nothing for ${subject.label}`;
    build.report.error('PDL-Y001', span, message, 'use ==, != or `in`');
    return null;
  }
  const right = readMember(build, module, value, subject.type, subject.span);
  if (right === null) return null;
  if (!equality) return compareNumber(subject.operand, operator, Number(right));
  const equal = holds(build, subject.operand, subject.type, [right], span);
  return operator === '==' ? equal : not(equal);
}

/** Every numeric fact is an integer, so `<` and `>` move the bound by one. */
function compareNumber(operand: Operand, operator: Comparison, bound: number): Formula {
  switch (operator) {
    case '<':
      return range(operand, LOWEST, bound - 1);
    case '<=':
      return range(operand, LOWEST, bound);
    case '>':
      return range(operand, bound + 1, HIGHEST);
    default:
      return range(operand, bound, HIGHEST);
  }
}

function compileRange(
  build: Build,
  module: Module,
  subject: Subject,
  test: Extract<TestNode, { kind: 'range' }>,
  span: Span,
): Formula | null {
  if (subject.list) return rejectList(build, subject, span);
  if (!ORDERED.includes(subject.type)) {
    const message = `values of type ${subject.type} have no order, so a range means nothing for ${subject.label}`;
    build.report.error('PDL-Y001', span, message, 'use `in { … }`');
    return null;
  }
  const from = readValue(module, test.from, subject.type, build.report, subject.span);
  const to = readValue(module, test.to, subject.type, build.report, subject.span);
  if (from === null || to === null) return null;
  if (from > to) {
    const message = `the range ends before it begins, so nothing is in it`;
    build.report.error('PDL-Y008', test.from.span, message, 'write the smaller value first');
    return null;
  }
  const inside = range(subject.operand, Number(from), Number(to));
  return test.negated ? not(inside) : inside;
}

function compileMembership(
  build: Build,
  module: Module,
  subject: Subject,
  test: Extract<TestNode, { kind: 'in' }>,
  span: Span,
): Formula | null {
  if (subject.list) return rejectList(build, subject, span);
  const tree = resolveSet(build, module, test.set, subject.type);
  if (tree === null) return null;
  const inside =
    'fact' in subject.operand && shapeOf(subject.type) !== 'number'
      ? membership(build, subject.operand.fact, tree, span)
      : tree.kind === 'members'
        ? holds(build, subject.operand, subject.type, tree.members, span)
        : null;
  return inside && (test.negated ? not(inside) : inside);
}

function compileHas(
  build: Build,
  module: Module,
  subject: Subject,
  test: Extract<TestNode, { kind: 'has' | 'has_all' }>,
  span: Span,
): Formula | null {
  const { operand, type, list, label } = subject;
  if (!list) {
    const message = `${label} is one value, and \`has\` asks about a list`;
    build.report.error('PDL-Y003', span, message, 'use == or `in`');
    return null;
  }
  if (test.kind === 'has') {
    const value = readMember(build, module, test.value, type);
    return value === null ? null : holds(build, operand, type, [value], span);
  }
  const tree = resolveSet(build, module, test.set, type);
  if (tree === null) return null;
  if (tree.kind !== 'members') {
    return unsupported(build, 'PDL-X021', span, '`has all` of a feed is', 'write the members as a set');
  }
  if (shapeOf(type) === 'text') {
    return and(tree.members.map((member) => holds(build, operand, type, [member], span)));
  }
  return atom({ kind: 'all', operand, values: tree.members.map(Number).sort((a, b) => a - b) });
}

/** A value of a test; the name of a `ca` counts as a use of it. */
export function readMember(
  build: Build,
  module: Module,
  value: Value,
  type: ValueType,
  comparedWith: Span | null = null,
): number | string | null {
  if (type !== 'ca' || value.kind !== 'name')
    return readValue(module, value, type, build.report, comparedWith);
  const found = lookup(module, ['ca'], value, build.report);
  if (found === null) return null;
  compileCa(build, found);
  return fullName(found);
}
