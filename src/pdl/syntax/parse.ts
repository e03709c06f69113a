/** Parses one file into its syntax tree; reports every syntax error it can find. */

import { type Report, startOf } from '../diagnostics/diagnostic.ts';
import type { CountedEvent } from '../ir.ts';
import type {
  CounterNode,
  Declaration,
  Entry,
  FeedNode,
  FileNode,
  ImportNode,
  LetNode,
  LimitNode,
  Name,
  SetDeclaration,
  SetExpression,
  SetTerm,
  StateNode,
  SwitchNode,
  Value,
} from './ast.ts';
import { Cursor, DECLARATIONS } from './cursor.ts';
import { SyntaxFailure } from './failure.ts';
import { parseAnnotations, parseKey, parseOutcome } from './parse-common.ts';
import { parseExpression, parseItems, parseSetTerm } from './parse-expression.ts';
import { parseChallengeEntries, parsePolicy } from './parse-policy.ts';
import { parseLadder, parseRuleset, parseScore, parseSite } from './parse-score.ts';
import { parseProve, parseTest } from './parse-test.ts';
import type { NodeKind } from './tree.ts';

/** Types that a set or a feed may hold. */
const SET_TYPES: readonly string[] = [
  'cidr',
  'ip',
  'asn',
  'country',
  'host',
  'ja3',
  'ja4',
  'cipher',
  'group',
  'extension',
  'sigalg',
  'fingerprint',
  'spiffe',
  'string',
];
const FEED_ENTRIES = ['format', 'refresh', 'max_age', 'on_stale', 'max_entries', 'sha256', 'auth'];
const FEED_SOURCES = ['file', 'url', 'dnsbl', 'crowdsec', 'builtin'];
const EVENTS: readonly CountedEvent[] = [
  'hello',
  'handshake',
  'failure',
  'request',
  'challenge',
  'challenge_fail',
];

/** What is read in place of a text that is too long. */
const EMPTY = 'pdl 1\n';
/** Longest text that is read, in UTF-16 units. */
const MAX_LENGTH = 1_048_576;

/** `watched` is an offset at which it is of interest what may stand there: see `FileNode.tried`. */
export function parse(path: string, text: string, report: Report, watched: number | null = null): FileNode {
  if (text.length > MAX_LENGTH) {
    const message = `this file is longer than ${MAX_LENGTH} characters`;
    report.error('PDL-G008', startOf(path), message, 'split it with `import`, and move long sets into feeds');
    return parse(path, EMPTY, report);
  }
  const cursor = new Cursor(path, text, report, watched);
  const first = cursor.token;
  const header = attempt(cursor, 'header', () => parseHeader(cursor)) ?? {
    edition: null,
    requires: null,
    revision: null,
  };
  const imports: ImportNode[] = [];
  while (cursor.is('import')) {
    const found = attempt(cursor, 'import', () => parseImport(cursor));
    if (found) imports.push(found);
  }
  const meta = cursor.is('meta') ? (attempt(cursor, 'meta', () => parseMeta(cursor)) ?? []) : [];
  const declarations: Declaration[] = [];
  const brokenNames = new Set<string>();
  while (!cursor.atEnd) {
    const declaration = cursor.node('declaration', () => readDeclaration(cursor, brokenNames));
    if (declaration !== null) declarations.push(declaration);
  }
  const span = cursor.spanOf(first);
  const { tried } = cursor;
  const tree = cursor.finishTree();
  return { path, ...header, imports, meta, declarations, brokenNames, span, tree, tried };
}

/** One declaration; one that cannot be read is reported, its name remembered, and reading goes on after it. */
function readDeclaration(cursor: Cursor, brokenNames: Set<string>): Declaration | null {
  const start = cursor.token;
  const before = cursor.failures;
  let name: Name | null = null;
  try {
    const annotations = parseAnnotations(cursor);
    if (cursor.following.kind === 'word') {
      name = { text: cursor.following.text, span: cursor.spanOf(start) };
    }
    const body = parseDeclaration(cursor);
    const span = cursor.spanFrom(start);
    return { ...body, annotations, span, damaged: cursor.failures > before };
  } catch (failure) {
    cursor.reportFailure(failure);
    if (name !== null) brokenNames.add(name.text);
    const closed = failure instanceof SyntaxFailure && failure.code === 'PDL-G006';
    if (!closed) cursor.node('error', () => cursor.skipDeclaration());
    return null;
  }
}

/** Runs one part; on a syntax error reports it, goes to the next declaration and answers null. */
function attempt<T>(cursor: Cursor, kind: NodeKind, part: () => T): T | null {
  try {
    return cursor.node(kind, part);
  } catch (failure) {
    cursor.reportFailure(failure);
    cursor.node('error', () => skipTo(cursor));
    return null;
  }
}

function skipTo(cursor: Cursor): void {
  const starts = ['import', 'meta', '@', ...DECLARATIONS];
  while (!cursor.atEnd && !(cursor.token.first && cursor.isAny(starts))) cursor.take();
}

function parseHeader(cursor: Cursor): Pick<FileNode, 'edition' | 'requires' | 'revision'> {
  if (!cursor.is('pdl')) cursor.fail('`pdl 1`', 'begin the file with `pdl 1`');
  cursor.acceptWord('pdl');
  const edition = cursor.int();
  let requires: FileNode['requires'] = null;
  if (cursor.acceptWord('requires')) {
    cursor.expect('engine');
    const operator = (['>=', '=='] as const).find((candidate) => cursor.is(candidate));
    if (operator === undefined) cursor.fail('`>=` or `==`');
    cursor.take();
    const { text, span } = cursor.version();
    requires = { operator, version: text, span };
  }
  const revision = cursor.accept('revision') ? cursor.string().text : null;
  return { edition, requires, revision };
}

function parseImport(cursor: Cursor): ImportNode {
  cursor.expectWord('import');
  const path = cursor.string('the path of a file in double quotes');
  cursor.expectWord('as');
  return { path, alias: cursor.identifier('the name to use it by') };
}

function parseMeta(cursor: Cursor): { key: Name; value: string }[] {
  cursor.expect('meta');
  return cursor.braces(() => {
    const entries: { key: Name; value: string }[] = [];
    while (!cursor.is('}')) entries.push(cursor.node('entry', () => parseMetaEntry(cursor)));
    return entries;
  });
}

function parseMetaEntry(cursor: Cursor): { key: Name; value: string } {
  const key = cursor.identifier('a word or `}`');
  cursor.space(key.text);
  return { key, value: cursor.string().text };
}

/** What the parser of one kind of declaration answers; the caller adds annotations and place. */
type Body<D = Declaration> = D extends Declaration ? Omit<D, 'annotations' | 'span' | 'damaged'> : never;

function parseDeclaration(cursor: Cursor): Body {
  const kind = DECLARATIONS.find((word) => cursor.is(word));
  switch (kind) {
    case 'abstract':
    case 'policy':
      return { kind: 'policy', ...parsePolicy(cursor) };
    case 'score':
      return { kind, ...parseScore(cursor) };
    case 'ladder':
      return { kind, ...parseLadder(cursor) };
    case 'ruleset':
      return { kind, ...parseRuleset(cursor) };
    case 'site':
      return { kind, ...parseSite(cursor) };
    case 'test':
      return { kind, ...parseTest(cursor) };
    case 'prove':
      return { kind, ...parseProve(cursor) };
    case undefined:
      return cursor.failAmong(DECLARATIONS, 'a declaration');
  }
  cursor.expectWord(kind);
  const name = cursor.identifier(`the name of the ${kind}`);
  switch (kind) {
    case 'let':
      cursor.expect('=');
      return { kind, name, value: parseLiteral(cursor) };
    case 'define':
      cursor.expect('=');
      return { kind, name, condition: parseExpression(cursor) };
    case 'set':
      return { kind, name, ...parseSet(cursor) };
    case 'feed':
      return { kind, name, ...parseFeed(cursor) };
    case 'secret':
      return { kind, name, ...parseSource(cursor, ['env', 'file']) };
    case 'ca':
      return { kind, name, path: parseSource(cursor, ['file']).path };
    case 'mode':
      return { kind, name, states: cursor.block(['state'], 'a mode', () => parseState(cursor)) };
    case 'counter':
      return { kind, name, ...parseCounter(cursor) };
    case 'limit':
      return { kind, name, ...parseLimit(cursor) };
    default:
      return { kind: 'challenge', name, entries: parseChallengeEntries(cursor) };
  }
}

function parseLiteral(cursor: Cursor): LetNode['value'] {
  if (cursor.is('{')) return parseItems(cursor, 'set');
  if (cursor.is('[')) return parseItems(cursor, 'list');
  return cursor.value();
}

function parseType(cursor: Cursor): Name {
  if (!cursor.isAny(SET_TYPES)) cursor.failAmong(SET_TYPES, 'a type');
  return cursor.identifier();
}

function parseSet(cursor: Cursor): Pick<SetDeclaration, 'type' | 'value'> {
  cursor.expectWord('of');
  const type = parseType(cursor);
  cursor.expect('=');
  const first = parseSetTerm(cursor);
  const rest: { operator: '+' | '-' | '&'; term: SetTerm }[] = [];
  for (let operator = setOperator(cursor); operator !== null; operator = setOperator(cursor)) {
    cursor.take();
    rest.push({ operator, term: parseSetTerm(cursor) });
  }
  const value: SetExpression = { first, rest };
  return { type, value };
}

function setOperator(cursor: Cursor): '+' | '-' | '&' | null {
  return (['+', '-', '&'] as const).find((operator) => cursor.is(operator)) ?? null;
}

function parseFeed(cursor: Cursor): Pick<FeedNode, 'type' | 'toScore' | 'source' | 'path' | 'entries'> {
  cursor.expectWord('of');
  const type = parseType(cursor);
  const toScore = cursor.acceptWord('to');
  if (toScore) cursor.expectWord('score');
  cursor.expectWord('from');
  if (!cursor.isAny(FEED_SOURCES)) cursor.failAmong(FEED_SOURCES, 'a feed’s source');
  const source = cursor.identifier();
  const path = cursor.string();
  const entries = cursor.block(FEED_ENTRIES, 'a feed', () => parseFeedEntry(cursor));
  return { type, toScore, source, path, entries };
}

function parseFeedEntry(cursor: Cursor): Entry {
  const first = cursor.token;
  const key = FEED_ENTRIES.find((word) => cursor.is(word));
  if (key === undefined) cursor.failAmong(FEED_ENTRIES, 'a feed');
  cursor.expectWord(key);
  let value: Value;
  if (key === 'refresh' || key === 'max_age') value = cursor.duration();
  else if (key === 'max_entries') value = cursor.int();
  else if (key === 'sha256') value = cursor.string();
  else {
    const stale = ['keep', 'empty', 'fail'];
    if (key === 'on_stale' && !cursor.isAny(stale)) cursor.failAmong(stale, 'on_stale');
    value = { kind: 'name', ...(key === 'auth' ? cursor.qualified('a secret') : cursor.identifier()) };
  }
  return { key, values: [value], span: cursor.spanFrom(first) };
}

function parseSource(
  cursor: Cursor,
  sources: readonly ('env' | 'file')[],
): { source: 'env' | 'file'; path: Value } {
  cursor.expectWord('from');
  const source = sources.find((word) => cursor.is(word));
  if (source === undefined) cursor.failAmong(sources, 'from');
  cursor.identifier();
  return { source, path: cursor.string() };
}

function parseState(cursor: Cursor): StateNode {
  cursor.expectWord('state');
  const name = cursor.identifier('the name of the state');
  const initial = cursor.accept('initial');
  const enter = parseSwitch(cursor, 'enter');
  return { name, initial, enter, leave: parseSwitch(cursor, 'leave') };
}

function parseSwitch(cursor: Cursor, word: 'enter' | 'leave'): SwitchNode | null {
  if (!cursor.acceptWord(word)) return null;
  cursor.expectWord('when');
  const when = parseExpression(cursor);
  cursor.expectWord('for');
  return { when, hold: cursor.duration() };
}

function parseCounter(cursor: Cursor): Pick<CounterNode, 'key' | 'window' | 'event' | 'slots'> {
  cursor.expectWord('per');
  const key = parseKey(cursor);
  cursor.expectWord('window');
  const window = cursor.duration();
  const event = parseEvent(cursor);
  const slots = cursor.acceptWord('slots') ? cursor.int() : null;
  return { key, window, event, slots };
}

function parseEvent(cursor: Cursor): Name | null {
  if (!cursor.acceptWord('of')) return null;
  if (!cursor.isAny(EVENTS)) cursor.failAmong(EVENTS, 'of');
  return cursor.identifier();
}

function parseLimit(cursor: Cursor): Pick<LimitNode, 'key' | 'event' | 'rate' | 'burst' | 'then'> {
  return cursor.braces(() => {
    const counted = cursor.node('entry', () => {
      cursor.expectWord('per');
      return { key: parseKey(cursor), event: parseEvent(cursor) };
    });
    const allowed = cursor.node('entry', () => {
      cursor.expectWord('allow');
      const rate = cursor.literal('rate', 'a rate such as 20/s');
      return { rate, burst: cursor.acceptWord('burst') ? cursor.int() : null };
    });
    const then = cursor.node('entry', () => {
      cursor.expectWord('then');
      return parseOutcome(cursor);
    });
    return { ...counted, ...allowed, then };
  });
}
