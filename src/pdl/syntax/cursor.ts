/** A place in the tokens of one file, with the small questions every part of the parser asks. */

import { suggest } from '../diagnostics/closest.ts';
import type { Report } from '../diagnostics/diagnostic.ts';
import type { Span } from '../ir.ts';
import type { Name, Value } from './ast.ts';
import { warnOfHidden } from './characters.ts';
import { missingSpace, SyntaxFailure, unexpected } from './failure.ts';
import { Places, type Token, type TokenKind, tokenize } from './lexer.ts';
import { type NodeKind, type SyntaxNode, TreeBuilder } from './tree.ts';

const IDENTIFIER = /^[a-z_][a-z0-9_]*$/;
const QUALIFIED = /^[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*$/;
const FACT = /^(?:conn|hello|cert|time|sys|client|http)\.[a-z_][a-z0-9_]*$/;
const VERSION = /\d+(?:\.\d+)*/y;
const VALUE_KINDS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'string',
  'datetime',
  'date',
  'cidr',
  'ip',
  'rate',
  'duration',
  'bytes',
  'percent',
  'asn',
  'codepoint',
  'tls_version',
  'int',
  'word',
]);

/** After so many syntax errors the rest of a file is passed over. */
const MAX_FAILURES = 200;
/** Blocks nest at most this deep, so that no text can exhaust the stack. */
const MAX_DEPTH = 16;

/** Words that begin a declaration; after a syntax error, reading goes on at the next one. */
export const DECLARATIONS: readonly string[] = [
  'let',
  'define',
  'set',
  'feed',
  'secret',
  'ca',
  'mode',
  'counter',
  'limit',
  'challenge',
  'abstract',
  'policy',
  'score',
  'ladder',
  'ruleset',
  'site',
  'test',
  'prove',
];

export class Cursor {
  readonly report: Report;
  readonly path: string;
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #places: Places;
  readonly #tree = new TreeBuilder();
  #at = 0;
  #depth = 0;
  /** Syntax errors reported so far. */
  failures = 0;
  /** Every word or sign that was looked for at the watched offset. */
  readonly tried: Set<string> = new Set();
  readonly #watched: number | null;

  constructor(path: string, text: string, report: Report, watched: number | null) {
    this.#watched = watched;
    this.path = path;
    this.#text = text;
    this.report = report;
    this.#tokens = tokenize(text);
    this.#places = new Places(path, text);
    warnOfHidden(text, this.#tokens, this.#places, report);
  }

  get token(): Token {
    return this.#tokens[this.#at]!;
  }

  /** The token after `token`. */
  get following(): Token {
    return this.#tokens[Math.min(this.#at + 1, this.#tokens.length - 1)]!;
  }

  get atEnd(): boolean {
    return this.token.kind === 'end';
  }

  spanOf(token: Token): Span {
    return this.#places.span(token.start, token.end);
  }

  /** From the start of `first` to the end of the token just taken. */
  spanFrom(first: Token): Span {
    const last = this.#tokens[Math.max(0, this.#at - 1)]!;
    return this.#places.span(first.start, Math.max(first.end, last.end));
  }

  take(): Token {
    const token = this.token;
    if (token.kind !== 'end') {
      this.#at++;
      this.#tree.add(token);
    }
    return token;
  }

  /** What `read` takes becomes one node of the lossless tree. */
  node<T>(kind: NodeKind, read: () => T): T {
    return this.#tree.node(kind, read);
  }

  /** The lossless tree of the file, once all of it is read. */
  finishTree(): SyntaxNode {
    this.#tree.add(this.token);
    return this.#tree.finish();
  }

  is(text: string): boolean {
    const { kind, text: found, start } = this.token;
    if (start === this.#watched) this.tried.add(text);
    return found === text && (kind === 'word' || kind === 'punctuation');
  }

  isAny(texts: readonly string[]): boolean {
    return texts.some((text) => this.is(text));
  }

  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.take();
    return true;
  }

  /** Takes a word that must be followed by white space. */
  acceptWord(text: string): boolean {
    if (!this.accept(text)) return false;
    this.space(text);
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) this.fail(`\`${text}\``);
  }

  expectWord(text: string): void {
    if (!this.acceptWord(text)) this.fail(`\`${text}\``);
  }

  /** Demands white space before the token at hand. */
  space(after: string): void {
    if (this.token.spaced || this.atEnd) return;
    throw missingSpace(this.spanOf(this.token), after);
  }

  /** Reports what was expected instead of the token at hand. */
  fail(expected: string, help?: string): never {
    throw unexpected(this.token, this.spanOf(this.token), expected, help);
  }

  /** Fails on an entry or declaration whose first word is none of `words`. */
  failAmong(words: readonly string[], place: string): never {
    const { token } = this;
    const list = `${place} takes ${words.join(', ')}`;
    return this.fail(place, token.kind === 'word' ? suggest(token.text, words, list) : list);
  }

  #nameLike(kind: NodeKind, pattern: RegExp, what: string, help: string): Name {
    const { token } = this;
    if (token.kind !== 'word' || !pattern.test(token.text)) this.fail(what, help);
    this.node(kind, () => this.take());
    return { text: token.text, span: this.spanOf(token) };
  }

  identifier(what = 'a name'): Name {
    return this.#nameLike(
      'name',
      IDENTIFIER,
      what,
      'names are lower-case letters, digits and _, and begin with no digit',
    );
  }

  qualified(what = 'a name'): Name {
    const help = 'write a name, or `alias.name` for one of an imported file';
    return this.#nameLike('reference', QUALIFIED, what, help);
  }

  fact(): Name {
    return this.#nameLike('fact', FACT, 'a fact', 'facts are named such as conn.ip or hello.sni');
  }

  isFact(token: Token = this.token): boolean {
    return token.kind === 'word' && FACT.test(token.text);
  }

  isQualified(token: Token = this.token): boolean {
    return token.kind === 'word' && QUALIFIED.test(token.text);
  }

  get isValue(): boolean {
    return VALUE_KINDS.has(this.token.kind);
  }

  /** Any literal or bare word. */
  value(what = 'a value'): Value {
    const { token } = this;
    if (!this.isValue) this.fail(what);
    this.node('value', () => this.take());
    const kind = token.kind === 'word' ? 'name' : (token.kind as Value['kind']);
    const text = kind === 'string' ? unquote(token.text) : token.text;
    return { kind, text, span: this.spanOf(token) };
  }

  /** A literal of one kind. */
  literal(kind: TokenKind, what: string): Value {
    if (this.token.kind !== kind) this.fail(what);
    return this.value();
  }

  string(what = 'a string in double quotes'): Value {
    return this.literal('string', what);
  }

  duration(): Value {
    return this.literal('duration', 'a duration such as 30s');
  }

  /** An integer without a sign. */
  int(): Value {
    if (this.token.kind !== 'int' || /^[+-]/.test(this.token.text))
      this.fail('a whole number without a sign');
    return this.value();
  }

  signed(): Value {
    return this.literal('int', 'a whole number such as +20 or -5');
  }

  /** A version such as 0.3, read straight from the text: no token has this shape. */
  version(): { text: string; span: Span } {
    const first = this.token;
    VERSION.lastIndex = first.start;
    const text = VERSION.exec(this.#text)?.[0];
    if (text === undefined) this.fail('a version such as 0.1');
    const end = first.start + text.length;
    const after = this.#tokens.findIndex((token, index) => index > this.#at && token.start >= end);
    if (this.#tokens[after - 1]!.end > end) this.fail('a version such as 0.1');
    this.node('value', () => {
      while (this.#at < after) this.take();
    });
    return { text, span: this.#places.span(first.start, end) };
  }

  /** Reports a syntax failure and lets the caller go on; anything else is rethrown. */
  reportFailure(failure: unknown): void {
    if (!(failure instanceof SyntaxFailure)) throw failure;
    this.failures++;
    const { code, span, message, help, fix } = failure;
    this.report.error(code, span, message, help, fix ? { fixes: [fix] } : {});
    if (this.failures < MAX_FAILURES) return;
    this.node('error', () => {
      while (!this.atEnd) this.take();
    });
  }

  /**
   * Reads `{ entry … }`. An entry that cannot be read is reported, and reading goes on at the next line
   * that begins with one of `words`, or at the brace that closes the block.
   */
  block<T>(words: readonly string[], place: string, entry: () => T): T[] {
    return this.node('block', () => {
      if (this.#depth === MAX_DEPTH) this.fail('a block that nests less deeply');
      this.#depth++;
      try {
        return this.#entries(words, place, entry);
      } finally {
        this.#depth--;
      }
    });
  }

  /** Reads `{ … }` whose parts have a fixed order; `read` wraps each of them in an `entry`. */
  braces<T>(read: () => T): T {
    return this.node('block', () => {
      this.expect('{');
      const result = read();
      this.expect('}');
      return result;
    });
  }

  #entries<T>(words: readonly string[], place: string, entry: () => T): T[] {
    const open = this.token;
    this.expect('{');
    const entries: T[] = [];
    while (!this.accept('}')) {
      if (this.atEnd || this.#startsDeclaration(words)) {
        const message = 'this block is not closed before the next declaration';
        throw new SyntaxFailure('PDL-G006', this.spanOf(open), message, 'add the missing `}`');
      }
      try {
        if (!this.isAny(words) && !this.is('@') && !this.isFact()) this.failAmong(words, place);
        entries.push(this.node('entry', entry));
      } catch (failure) {
        this.reportFailure(failure);
        if (failure instanceof SyntaxFailure && failure.code === 'PDL-G006') throw failure;
        this.node('error', () => this.#skipEntry(words));
      }
    }
    return entries;
  }

  /** At column 1 stands a word that begins a declaration and that the block has no entry for. */
  #startsDeclaration(words: readonly string[]): boolean {
    const { token } = this;
    return (
      token.first &&
      this.spanOf(token).column === 1 &&
      token.kind === 'word' &&
      DECLARATIONS.includes(token.text) &&
      !words.includes(token.text)
    );
  }

  #skipEntry(words: readonly string[]): void {
    let depth = 0;
    let moved = false;
    while (!this.atEnd) {
      const { token } = this;
      if (depth === 0 && this.is('}')) return;
      if (depth === 0 && moved && token.first && words.includes(token.text)) return;
      if (moved && this.#startsDeclaration(words)) return;
      if (token.kind === 'punctuation') {
        if ('{[('.includes(token.text)) depth++;
        else if ('}])'.includes(token.text)) depth = Math.max(0, depth - 1);
      }
      this.take();
      moved = true;
    }
  }

  /** Goes to the next line that begins a declaration at its first column. */
  skipDeclaration(): void {
    let moved = false;
    while (!this.atEnd) {
      const { token } = this;
      const starts =
        token.first && this.spanOf(token).column === 1 && (DECLARATIONS.includes(token.text) || this.is('@'));
      if (moved && starts) return;
      this.take();
      moved = true;
    }
  }
}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\([\s\S])/g, '$1');
}
