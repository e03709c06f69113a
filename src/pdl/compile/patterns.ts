/** Patterns of `like` and `matches`: what they may contain, so that matching takes linear time. */

import type { Report } from '../diagnostics/diagnostic.ts';
import type { Span } from '../ir.ts';
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
 * other pattern is a table of its own, which no engine evaluates yet.
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
    const help = 'use a set, == or, for host names, `like` with one `*.` in front';
    build.need('PDL-X014', at, `this pattern of \`${test.kind}\` is`, help);
    const table = build.table({ kind, members: [pattern] }, at);
    inside = atom({ kind: 'table', operand: subject.operand, table });
  }
  return negated ? not(inside) : inside;
}

/** Reports a pattern that is malformed, too long, or needs more than a finite automaton. */
function checkPattern(report: Report, kind: 'glob' | 'regex', pattern: string, span: Span): boolean {
  const problem = problemOf(kind, pattern);
  if (problem === null) return true;
  report.error('PDL-Y009', span, problem[0], problem[1]);
  return false;
}

function problemOf(kind: 'glob' | 'regex', pattern: string): readonly [string, string] | null {
  if (pattern === '' || pattern.length > MAX_PATTERN) {
    return ['a pattern has 1 to 255 characters', 'shorten it, or use several conditions'];
  }
  if (kind === 'glob') {
    const unclosed = /\[[^\]]*$/.test(pattern);
    return unclosed ? ['this pattern has a `[` that is not closed', 'write `*`, `?` or `[abc]`'] : null;
  }
  if (/\\[1-9k]|\(\?(?:[=!]|<[=!])/.test(pattern)) {
    const help = 'use `^`, `$`, `.`, classes, groups, `|`, `*`, `+`, `?` and counts up to 64';
    return ['back-references and look-around are not regular', help];
  }
  const counts = [...pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].flatMap(([, a, b]) => [
    Number(a),
    Number(b ?? 0),
  ]);
  if (counts.some((count) => count > 64)) return ['a count in a pattern is at most 64', 'use `*` or `+`'];
  try {
    new RegExp(pattern, 'u');
    return null;
  } catch {
    return ['this is no regular expression', 'check its brackets and escapes'];
  }
}
