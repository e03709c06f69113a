/** Splits PDL text into tokens. What a token may mean depends on where it stands; the parser decides. */
import type { Span } from '../ir.ts';

export type LiteralKind =
  | 'string'
  | 'datetime'
  | 'date'
  | 'cidr'
  | 'ip'
  | 'rate'
  | 'duration'
  | 'bytes'
  | 'percent'
  | 'asn'
  | 'codepoint'
  | 'tls_version'
  | 'int';

/** `word` is a bare word, dots included; `bad` is text no token begins with, or a number gone wrong. */
export type TokenKind = LiteralKind | 'word' | 'regex' | 'punctuation' | 'bad' | 'end';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Where the white space and comments before it begin: the end of the token before. */
  readonly lead: number;
  readonly start: number;
  readonly end: number;
  /** White space or a comment stands before it. */
  readonly spaced: boolean;
  /** Only blanks and tabs, at least one, stand between it and the token before. */
  readonly sameLine: boolean;
  /** It is the first token of its line. */
  readonly first: boolean;
}

const SPACE = /(?:[ \t\r\n]|#[^\n]*)+/y;

/** In order: an earlier pattern wins over a later one that would match more or less of the same text. */
const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ['string', /"(?:[^"\\\n]|\\[\s\S])*"/y],
  ['datetime', /\d{4}-\d\d-\d\dT[\d:]+Z/y],
  ['date', /\d{4}-\d\d-\d\d(?![A-Za-z0-9_])/y],
  ['cidr', /(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:]*(?:\.\d{1,3})*)\/\d+/y],
  ['ip', /\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:]*(?:\.\d{1,3})*/y],
  ['rate', /\d[\d_]*\/\d*(?:ms|s|m|h|d)(?![A-Za-z0-9_])/y],
  ['duration', /\d[\d_]*(?:ms|s|m|h|d|y)(?![A-Za-z0-9_])/y],
  ['bytes', /\d[\d_]*(?:KiB|MiB|B)(?![A-Za-z0-9_])/y],
  ['percent', /\d+(?:\.\d+)?%/y],
  ['int', /[+-]?\d[\d_]*(?![A-Za-z0-9_%/]|\.[^.])/y],
  ['asn', /AS\d+(?![A-Za-z0-9_])/y],
  ['codepoint', /(?:cipher|ext|group|sigalg)\(0x[0-9A-Fa-f]+\)/y],
  ['tls_version', /tls1\.[0-3](?![A-Za-z0-9_])/y],
  ['word', /[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*/y],
  ['punctuation', /\.\.|[+\-=!<>]=|[{}[\](),@<>=+\-&]/y],
  ['bad', /"[^\n]*|[+-]?\d[\w.%/]*|[\ud800-\udbff][\udc00-\udfff]|[\s\S]/y],
];
const REGEX = /\/(?:[^/\n\\]|\\[\s\S])+\//y;

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

function scan(text: string, at: number, afterMatches: boolean): readonly [TokenKind, string] {
  const regex = afterMatches ? matchAt(REGEX, text, at) : null;
  if (regex !== null) return ['regex', regex];
  for (const [kind, pattern] of PATTERNS) {
    const found = matchAt(pattern, text, at);
    if (found !== null) return [kind, found];
  }
  return ['end', ''];
}

/** All tokens of `text`, ended by one of kind `end`. Never fails: what is no token becomes `bad`. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (true) {
    const space = matchAt(SPACE, text, at) ?? '';
    at += space.length;
    const previous = tokens.at(-1);
    const afterMatches = previous?.kind === 'word' && previous.text === 'matches';
    const [kind, found] = at < text.length ? scan(text, at, afterMatches) : (['end', ''] as const);
    tokens.push({
      kind,
      text: found,
      lead: at - space.length,
      start: at,
      end: at + found.length,
      spaced: space !== '',
      sameLine: /^[ \t]+$/.test(space),
      first: tokens.length === 0 || space.includes('\n'),
    });
    if (kind === 'end') return tokens;
    at += found.length;
  }
}

/** Turns offsets of one file into places. */
export class Places {
  readonly #file: string;
  readonly #lineStarts: number[] = [0];

  constructor(file: string, text: string) {
    this.#file = file;
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
      this.#lineStarts.push(at + 1);
    }
  }

  /** The place of `[start, end)`. */
  span(start: number, end: number): Span {
    const from = this.#position(start);
    const to = this.#position(end);
    return {
      file: this.#file,
      line: from.line,
      column: from.column,
      endLine: to.line,
      endColumn: to.column,
    };
  }

  #position(offset: number): { line: number; column: number } {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lineStarts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.#lineStarts[low]! + 1 };
  }
}
