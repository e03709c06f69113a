/** Syntax errors: what is said when a token is not what may stand there. */
import type { Fix } from '../diagnostics/diagnostic.ts';
import type { Span } from '../ir.ts';
import { describe, lookalike } from './characters.ts';
import type { Token } from './lexer.ts';

/** Unwinds to the nearest block, which reports it and goes on with its next entry. */
export class SyntaxFailure extends Error {
  readonly code: string;
  readonly span: Span;
  readonly help: string;
  readonly fix: Fix | undefined;

  constructor(code: string, span: Span, message: string, help: string, fix?: Fix) {
    super(message);
    this.code = code;
    this.span = span;
    this.help = help;
    this.fix = fix;
  }
}

const UNITS = 'durations end in ms s m h d y, rates look like 20/s or 600/10m, sizes end in B KiB MiB';

/** `token` stands where `expected` should. */
export function unexpected(token: Token, span: Span, expected: string, help?: string): SyntaxFailure {
  const { kind, text } = token;
  if (kind === 'bad' && text.startsWith('"')) {
    const message = 'this string is not closed on its line';
    return new SyntaxFailure('PDL-G002', span, message, 'end it with a double quote');
  }
  if (kind === 'bad' && /^[+-]?\d/.test(text)) {
    const message = `\`${text}\` is not a number with a unit this language knows`;
    return new SyntaxFailure('PDL-G003', span, message, UNITS);
  }
  if (kind === 'bad') return unexpectedCharacter(text, span, expected);
  const found = kind === 'end' ? 'the file ends' : `\`${text}\` stands`;
  const message = `${expected} is expected here, but ${found}`;
  return new SyntaxFailure('PDL-G001', span, message, help ?? `write ${expected}`);
}

function unexpectedCharacter(character: string, span: Span, expected: string): SyntaxFailure {
  const meant = lookalike(character);
  if (meant === null) {
    const message = `the character ${describe(character)} means nothing here`;
    return new SyntaxFailure('PDL-G004', span, message, `${expected} is expected here`);
  }
  const message = `the character ${describe(character)} looks like \`${meant}\` and is another one`;
  const fix = {
    title: `Replace it with \`${meant}\``,
    edits: [{ span, text: meant }],
    kind: 'maybe' as const,
  };
  return new SyntaxFailure('PDL-G004', span, message, `write \`${meant}\``, fix);
}

/** No white space stands before the token at `span`, and `after` needs some. */
export function missingSpace(span: Span, after: string): SyntaxFailure {
  const before = { ...span, endLine: span.line, endColumn: span.column };
  const fix = { title: 'Insert a space', edits: [{ span: before, text: ' ' }], kind: 'safe' as const };
  const message = `a space is missing after \`${after}\``;
  return new SyntaxFailure('PDL-G005', span, message, `write a space after \`${after}\``, fix);
}
