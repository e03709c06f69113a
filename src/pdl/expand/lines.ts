/** One line of what a policy file comes to, and how its text is taken from the source. */
import type { Span } from '../ir.ts';
import type { Enforcement } from './enforcement.ts';

/** Where a line was written: the declaration that holds it, and the place. */
export interface Origin {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

export interface Line {
  /** The section or block, such as `tls`, `forbid` or `group shape`. */
  readonly section: string;
  /** The entry's key, empty where the section has no entries. */
  readonly key: string;
  readonly text: string;
  /** Null for what holds where nothing is written. */
  readonly origin: Origin | null;
  readonly enforced: Enforcement;
}

export type Sources = ReadonlyMap<string, string>;

export function originOf(name: string, { file, line }: Span): Origin {
  return { name, file, line };
}

/** The source text of a span on one line, without comments. */
export function textOf(sources: Sources, span: Span): string {
  const lines = (sources.get(span.file) ?? '').split('\n').slice(span.line - 1, span.endLine);
  const last = lines.length - 1;
  if (last >= 0) lines[last] = lines[last]!.slice(0, span.endColumn - 1);
  if (last >= 0) lines[0] = lines[0]!.slice(span.column - 1);
  const bare = lines.map((line) => line.replace(/^((?:[^"#]|"(?:\\.|[^"\\])*")*)#.*$/, '$1').trim());
  return bare.join(' ').replaceAll(/\s+/g, ' ').trim();
}

/** The text of a span without the word or words it begins with. */
export function textAfter(sources: Sources, span: Span, word: string): string {
  const text = textOf(sources, span);
  return text.startsWith(word) ? text.slice(word.length).trim() : text;
}
