/** Conditions, and the sets and lists in them. */
import type { Comparison, Expression, Items, OperandNode, SetTerm, TestNode, Value } from './ast.ts';
import type { Cursor } from './cursor.ts';

const COMPARISONS: readonly Comparison[] = ['==', '!=', '<=', '>=', '<', '>'];
const COLLECTION_FUNCTIONS = ['count', 'first', 'any', 'all'] as const;
/** Parentheses and `not` nest at most this deep, so that no text can exhaust the stack. */
const MAX_DEPTH = 64;

export function parseExpression(cursor: Cursor): Expression {
  return cursor.node('expression', () => readExpression(cursor, 0));
}

function readExpression(cursor: Cursor, depth: number): Expression {
  return parseChain(cursor, 'or', () => parseChain(cursor, 'and', () => parseUnary(cursor, depth)));
}

function parseChain(cursor: Cursor, kind: 'or' | 'and', item: () => Expression): Expression {
  const first = cursor.token;
  const items = [item()];
  while (cursor.acceptWord(kind)) items.push(item());
  return items.length === 1 ? items[0]! : { kind, items, span: cursor.spanFrom(first) };
}

function parseUnary(cursor: Cursor, depth: number): Expression {
  const first = cursor.token;
  if (depth > MAX_DEPTH) cursor.fail('a condition that nests less deeply', 'name parts of it with `define`');
  if (cursor.accept('not')) {
    const item = parseUnary(cursor, depth + 1);
    return { kind: 'not', item, span: cursor.spanFrom(first) };
  }
  if (cursor.accept('(')) {
    const inner = readExpression(cursor, depth + 1);
    cursor.expect(')');
    return inner;
  }
  if (cursor.is('true') || cursor.is('false')) {
    const value = cursor.take().text === 'true';
    return { kind: 'literal', value, span: cursor.spanFrom(first) };
  }
  if ((cursor.is('known') || cursor.is('unknown')) && cursor.isFact(cursor.following)) {
    const negated = cursor.take().text === 'unknown';
    const fact = cursor.fact();
    return { kind: 'known', negated, fact, span: cursor.spanFrom(first) };
  }
  const operand = parseOperand(cursor);
  const test = parseTest(cursor);
  return { kind: 'test', operand, test, span: cursor.spanFrom(first) };
}

export function parseOperand(cursor: Cursor): OperandNode {
  const call = cursor.following.text === '(' ? cursor.token.text : '';
  const calls: readonly string[] = [...COLLECTION_FUNCTIONS, 'rate', 'mode', 'lookup'];
  return calls.includes(call) ? cursor.node('call', () => parseCall(cursor, call)) : parseName(cursor);
}

function parseName(cursor: Cursor): OperandNode {
  if (/^(?:true|false)\./.test(cursor.token.text)) cursor.fail('a fact or a named condition');
  const name = cursor.isFact() ? cursor.fact() : cursor.qualified('a fact or a named condition');
  return { kind: 'name', name, span: name.span };
}

function parseCall(cursor: Cursor, call: string): OperandNode {
  const first = cursor.token;
  const collection = COLLECTION_FUNCTIONS.find((name) => name === call);
  if (collection !== undefined) {
    cursor.take();
    cursor.expect('(');
    const fact = cursor.fact();
    cursor.expect(')');
    return { kind: collection, fact, span: cursor.spanFrom(first) };
  }
  if (call === 'rate' || call === 'mode') {
    cursor.take();
    cursor.expect('(');
    const name = call === 'rate' ? cursor.qualified('a counter') : cursor.identifier('a mode');
    cursor.expect(')');
    return { kind: call, name, span: cursor.spanFrom(first) };
  }
  cursor.take();
  cursor.expect('(');
  const name = cursor.qualified('a feed');
  cursor.expect(',');
  const fact = cursor.fact();
  cursor.expect(')');
  return { kind: 'lookup', name, fact, span: cursor.spanFrom(first) };
}

function parseTest(cursor: Cursor): TestNode | null {
  const comparison = COMPARISONS.find((operator) => cursor.is(operator));
  if (comparison !== undefined) {
    cursor.take();
    return { kind: 'compare', operator: comparison, value: cursor.value() };
  }
  const negated = cursor.is('not') && ['in', 'matches', 'like'].includes(cursor.following.text);
  if (negated) cursor.take();
  if (cursor.accept('in')) return parseMembership(cursor, negated);
  if (cursor.accept('has')) return parseHas(cursor);
  if (cursor.accept('like')) {
    const { text, span } = cursor.string('a pattern in double quotes');
    return { kind: 'like', negated, pattern: text, at: span };
  }
  if (cursor.accept('matches')) {
    const { token } = cursor;
    if (token.kind !== 'regex') cursor.fail('a regular expression such as /^x/');
    cursor.take();
    return { kind: 'matches', negated, pattern: token.text.slice(1, -1), at: cursor.spanOf(token) };
  }
  return null;
}

function parseMembership(cursor: Cursor, negated: boolean): TestNode {
  if (cursor.is('{')) return { kind: 'in', negated, set: parseItems(cursor, 'set') };
  const value = cursor.value('a set, its name, or a range');
  if (cursor.accept('..')) return { kind: 'range', negated, from: value, to: cursor.value() };
  return { kind: 'in', negated, set: asSetName(cursor, value) };
}

/** A bare word that must be the name of a set: only lower-case words are names. */
function asSetName(cursor: Cursor, value: Value): SetTerm {
  if (value.kind !== 'name' || !/^[a-z0-9_.]+$/.test(value.text)) cursor.fail('`..` and the end of a range');
  const name = { text: value.text, span: value.span };
  return { kind: 'name', name, span: value.span };
}

function parseHas(cursor: Cursor): TestNode {
  const { following } = cursor;
  if (cursor.is('all') && (following.text === '{' || cursor.isQualified(following))) {
    cursor.take();
    return { kind: 'has_all', set: parseSetTerm(cursor) };
  }
  return { kind: 'has', value: cursor.value() };
}

export function parseSetTerm(cursor: Cursor): SetTerm {
  if (cursor.is('{')) return parseItems(cursor, 'set');
  const name = cursor.qualified('a set or its name');
  return { kind: 'name', name, span: name.span };
}

/** `{ a, b, }` or `[ a, b, ]`. */
export function parseItems(cursor: Cursor, kind: 'set' | 'list'): Items {
  return cursor.node('items', () => readItems(cursor, kind));
}

function readItems(cursor: Cursor, kind: 'set' | 'list'): Items {
  const first = cursor.token;
  const [open, close] = kind === 'set' ? ['{', '}'] : ['[', ']'];
  cursor.expect(open!);
  const items: Value[] = [];
  while (!cursor.is(close!)) {
    items.push(cursor.value(`a value or \`${close}\``));
    if (!cursor.accept(',')) break;
  }
  cursor.expect(close!);
  return { kind, items, span: cursor.spanFrom(first) };
}
