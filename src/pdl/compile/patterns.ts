/** Patterns of `like` and `matches`: tables of one automaton, so that matching takes a step a byte. */

import type { Report } from '../diagnostics/diagnostic.ts';
import type { Span } from '../ir.ts';
import { compileAutomaton } from '../pattern/automaton.ts';
import { PatternError, type PatternKind } from '../pattern/syntax.ts';
import type { TestNode } from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { rejectList, type Subject } from './condition.ts';
import { atom, type Formula, not } from './formula.ts';
import type { Module } from './modules.ts';
import { holds } from './sets.ts';
import { readValue, shapeOf } from './values.ts';

const MAX_PATTERN = 255;

/**
 * `like` and `matches`. A host name's pattern with one `*.` in front is a member of a set of names; every
 * other pattern is a table of its own.
 */
export function compilePattern(
  build: Build,
  module: Module,
  subject: Subject,
  test: Extract<TestNode, { kind: 'like' | 'matches' }>,
): Formula | null {
  const { pattern, at, negated } = test;
  if (subject.list) return rejectList(build, subject, at);
  if (shapeOf(subject.type) !== 'text' || ['ip', 'asn'].includes(subject.type)) {
    const message = `${subject.label} is no text, so \`${test.kind}\` means nothing for it`;
    build.report.error('PDL-Y001', at, message, 'use ==, `in` or a comparison');
    return null;
  }
  const simple = test.kind === 'like' && !pattern.replace(/^\*\./, '').match(/[*?[\]]/);
  let inside: Formula;
  if (simple && subject.type === 'host') {
    const value = { kind: 'string' as const, text: pattern, span: at };
    const member = readValue(module, value, subject.type, build.report);
    if (member === null) return null;
    inside = holds(build, subject.operand, subject.type, [member], at);
  } else {
    const kind = test.kind === 'like' ? ('glob' as const) : ('regex' as const);
    if (!checkPattern(build.report, kind, pattern, at)) return null;
    const table = build.table({ kind, members: [pattern] }, at);
    inside = atom({ kind: 'table', operand: subject.operand, table });
  }
  return negated ? not(inside) : inside;
}

/** Reports a pattern that is malformed, too long, or needs more than a finite automaton. */
function checkPattern(report: Report, kind: PatternKind, pattern: string, span: Span): boolean {
  const problem = problemOf(kind, pattern);
  if (problem === null) return true;
  report.error('PDL-Y009', span, problem[0], problem[1]);
  return false;
}

function problemOf(kind: PatternKind, pattern: string): readonly [string, string] | null {
  if (pattern === '' || pattern.length > MAX_PATTERN) {
    return ['a pattern has 1 to 255 characters', 'shorten it, or use several conditions'];
  }
  try {
    compileAutomaton(kind, pattern);
    return null;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return [error.message, error.help];
  }
}
