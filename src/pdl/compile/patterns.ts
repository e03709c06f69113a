/** Patterns of `like` and `matches`: what they may contain, so that matching takes linear time. */

import type { Report } from '../diagnostics/diagnostic.ts';
import type { Span } from '../ir.ts';

const MAX_PATTERN = 255;

/** Reports a pattern that is malformed, too long, or needs more than a finite automaton. */
export function checkPattern(report: Report, kind: 'glob' | 'regex', pattern: string, span: Span): boolean {
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
