/** `test` and `prove` blocks. */
import type { Comparison, ExpectEntry, GivenEntry, GoalNode, ProveNode, TestDeclaration } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { parseVerdict } from './parse-common.ts';
import { parseExpression, parseItems } from './parse-expression.ts';

const GIVEN = ['feed', 'rate', 'mode', 'at', 'unknown'];
const EXPECT = [
  'policy',
  'action',
  'score',
  'matched',
  'not_matched',
  'would_match',
  'challenge',
  'negotiates',
];
const COMPARISONS: readonly Comparison[] = ['==', '!=', '<=', '>=', '<', '>'];

export function parseTest(cursor: Cursor): Pick<TestDeclaration, 'name' | 'site' | 'given' | 'expect'> {
  cursor.expect('test');
  const { text, span } = cursor.string('the test’s sentence in double quotes');
  cursor.expectWord('for');
  const site = cursor.qualified('a site');
  return cursor.braces(() => {
    const given = cursor.node('entry', () => {
      cursor.expect('given');
      return cursor.block(GIVEN, 'given', () => parseGiven(cursor));
    });
    const expect = cursor.node('entry', () => {
      cursor.expect('expect');
      return cursor.block(EXPECT, 'expect', () => parseExpect(cursor));
    });
    return { name: { text, span }, site, given, expect };
  });
}

function parseGiven(cursor: Cursor): GivenEntry {
  const first = cursor.token;
  if (cursor.acceptWord('feed')) {
    const name = cursor.qualified('a feed');
    return { kind: 'feed', name, members: parseItems(cursor, 'set'), span: cursor.spanFrom(first) };
  }
  if (cursor.acceptWord('rate')) {
    const name = cursor.qualified('a counter');
    const rate = cursor.literal('rate', 'a rate such as 1/s');
    return { kind: 'rate', name, rate, span: cursor.spanFrom(first) };
  }
  if (cursor.acceptWord('mode')) {
    const mode = cursor.identifier('a mode');
    const state = cursor.identifier('a state');
    return { kind: 'mode', mode, state, span: cursor.spanFrom(first) };
  }
  if (cursor.acceptWord('at')) {
    const time = cursor.literal('datetime', 'a time such as 2026-01-31T12:00:00Z');
    return { kind: 'at', time, span: cursor.spanFrom(first) };
  }
  if (cursor.acceptWord('unknown')) {
    return { kind: 'unknown', fact: cursor.fact(), span: cursor.spanFrom(first) };
  }
  const fact = cursor.fact();
  const value = cursor.is('{')
    ? parseItems(cursor, 'set')
    : cursor.is('[')
      ? parseItems(cursor, 'list')
      : cursor.value();
  return { kind: 'fact', fact, value, span: cursor.spanFrom(first) };
}

function parseExpect(cursor: Cursor): ExpectEntry {
  const first = cursor.token;
  const key = EXPECT.find((word) => cursor.is(word));
  if (key === undefined) cursor.failAmong(EXPECT, 'expect');
  cursor.take();
  switch (key) {
    case 'policy':
    case 'challenge':
      return { kind: key, name: cursor.qualified(), span: cursor.spanFrom(first) };
    case 'action':
      return { kind: 'action', verdict: parseVerdict(cursor), span: cursor.spanFrom(first) };
    case 'score': {
      const from = cursor.int();
      const to = cursor.accept('..') ? cursor.int() : from;
      return { kind: 'score', from, to, span: cursor.spanFrom(first) };
    }
    case 'negotiates': {
      const { token } = cursor;
      if (token.kind !== 'tls_version' && (token.kind !== 'word' || token.text.includes('.'))) {
        cursor.fail('a TLS version, a cipher suite or a group');
      }
      return { kind: 'negotiates', value: cursor.value(), span: cursor.spanFrom(first) };
    }
    default: {
      const kind = key as 'matched' | 'not_matched' | 'would_match';
      return { kind, names: parseItems(cursor, 'set'), span: cursor.spanFrom(first) };
    }
  }
}

export function parseProve(cursor: Cursor): Pick<ProveNode, 'name' | 'site' | 'when' | 'goals'> {
  cursor.expect('prove');
  const { text, span } = cursor.string('the proof’s sentence in double quotes');
  cursor.expectWord('for');
  const site = cursor.qualified('a site');
  cursor.expectWord('when');
  const when = parseExpression(cursor);
  cursor.expectWord('then');
  const goals = [parseGoal(cursor)];
  while (cursor.acceptWord('and')) goals.push(parseGoal(cursor));
  return { name: { text, span }, site, when, goals };
}

function parseGoal(cursor: Cursor): GoalNode {
  const first = cursor.token;
  const negated = cursor.acceptWord('not');
  if (cursor.acceptWord('action')) {
    return { kind: 'action', negated, verdict: parseVerdict(cursor), span: cursor.spanFrom(first) };
  }
  if (cursor.acceptWord('policy')) {
    cursor.expect('in');
    return { kind: 'policy', negated, names: parseItems(cursor, 'set'), span: cursor.spanFrom(first) };
  }
  if (cursor.accept('score')) {
    const operator = COMPARISONS.find((candidate) => cursor.is(candidate));
    if (operator === undefined) cursor.fail('a comparison');
    cursor.take();
    return { kind: 'score', negated, operator, value: cursor.int(), span: cursor.spanFrom(first) };
  }
  if (!cursor.accept('challenged')) cursor.failAmong(['action', 'policy', 'score', 'challenged'], 'a goal');
  return { kind: 'challenged', negated, span: cursor.spanFrom(first) };
}
