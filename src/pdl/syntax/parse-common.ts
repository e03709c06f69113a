/** Pieces that several declarations share: verdicts, outcomes, keys, annotations, stages. */
import type { Annotation, KeyPartNode, OutcomeNode, StageNode, VerdictNode } from './ast.ts';
import type { Cursor } from './cursor.ts';

const VERDICTS = ['accept', 'refuse', 'drop', 'reset', 'tarpit'] as const;

/** `accept`, `refuse alert NAME` (on one line), `drop`, `reset` or `tarpit DURATION`. */
export function parseVerdict(cursor: Cursor): VerdictNode {
  return cursor.node('verdict', () => readVerdict(cursor));
}

function readVerdict(cursor: Cursor): VerdictNode {
  const first = cursor.token;
  const action = VERDICTS.find((verdict) => cursor.is(verdict));
  if (action === undefined) cursor.failAmong(VERDICTS, 'a verdict');
  cursor.take();
  let alert = null;
  if (action === 'refuse' && cursor.is('alert') && cursor.token.sameLine) {
    cursor.take();
    alert = cursor.identifier('the name of a TLS alert');
  }
  const duration = action === 'tarpit' ? cursor.duration() : null;
  return { action, alert, duration, span: cursor.spanFrom(first) };
}

/** `challenge NAME`, `use POLICY` or a verdict. */
export function parseOutcome(cursor: Cursor): OutcomeNode {
  const first = cursor.token;
  if (cursor.is('challenge') || cursor.is('use')) {
    const action = cursor.take().text === 'use' ? 'use' : 'challenge';
    return { action, name: cursor.qualified(), span: cursor.spanFrom(first) };
  }
  return parseVerdict(cursor);
}

/** `FACT [(v4 N, v6 N)] { , … }`. */
export function parseKey(cursor: Cursor): KeyPartNode[] {
  return cursor.node('key', () => readKey(cursor));
}

function readKey(cursor: Cursor): KeyPartNode[] {
  const parts: KeyPartNode[] = [];
  do {
    const fact = cursor.fact();
    let prefixes = null;
    if (cursor.accept('(')) {
      cursor.expectWord('v4');
      const v4 = cursor.int();
      cursor.expect(',');
      cursor.expectWord('v6');
      prefixes = { v4, v6: cursor.int() };
      cursor.expect(')');
    }
    parts.push({ fact, prefixes });
  } while (cursor.accept(','));
  return parts;
}

/** `@name`, or `@name value` on one line. */
export function parseAnnotations(cursor: Cursor): Annotation[] {
  const annotations: Annotation[] = [];
  while (cursor.is('@')) annotations.push(cursor.node('annotation', () => readAnnotation(cursor)));
  return annotations;
}

function readAnnotation(cursor: Cursor): Annotation {
  cursor.expect('@');
  if (cursor.token.spaced) cursor.fail('the annotation’s name right after `@`');
  const name = cursor.identifier('the name of an annotation');
  const { token } = cursor;
  const isValue = ['string', 'date'].includes(token.kind) || /^[a-z_][a-z0-9_]*$/.test(token.text);
  const value = token.sameLine && isValue ? cursor.value().text : null;
  return { name, value };
}

/** `shadow`, or `canary N% [by KEY]`. */
export function parseStage(cursor: Cursor): StageNode | null {
  return cursor.node('stage', () => readStage(cursor));
}

function readStage(cursor: Cursor): StageNode | null {
  const first = cursor.token;
  if (cursor.acceptWord('shadow')) {
    return { kind: 'shadow', percent: null, key: [], span: cursor.spanOf(first) };
  }
  if (!cursor.acceptWord('canary')) return null;
  const percent = cursor.literal('percent', 'a percentage such as 5%');
  const key = cursor.acceptWord('by') ? parseKey(cursor) : [];
  const span = cursor.spanFrom(first);
  cursor.space('the canary');
  return { kind: 'canary', percent, key, span };
}
