/** What the compiler tells a person about a file: a code, a place, what is wrong and what to do. */
import type { Span } from '../ir.ts';

export type Severity = 'error' | 'warning';

/** A second place that explains the first, such as an earlier declaration of the same name. */
export interface Label {
  readonly span: Span;
  readonly text: string;
}

/** One finding. Lines and columns are 1-based and count UTF-16 units; `endColumn` is exclusive. */
export interface Diagnostic {
  /** `PDL-` and a letter and number; each is explained in docs/pdl.md. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** What to do about it. */
  readonly help: string;
  readonly labels?: readonly Label[];
}

/** More findings than this from one compilation are not kept. */
const MAX_DIAGNOSTICS = 200;

/** Collects the findings of one compilation; the same code at the same place is kept once. */
export class Report {
  readonly #found: Diagnostic[] = [];
  readonly #seen = new Set<string>();

  error(code: string, span: Span, message: string, help: string, labels: readonly Label[] = []): void {
    this.#add('error', code, span, message, help, labels);
  }

  warning(code: string, span: Span, message: string, help: string, labels: readonly Label[] = []): void {
    this.#add('warning', code, span, message, help, labels);
  }

  get errorCount(): number {
    return this.#found.filter((diagnostic) => diagnostic.severity === 'error').length;
  }

  get hasErrors(): boolean {
    return this.errorCount > 0;
  }

  /** Everything found, by file in order of first appearance, then by place. */
  sorted(): Diagnostic[] {
    const files = [...new Set(this.#found.map((diagnostic) => diagnostic.file))];
    return this.#found.toSorted(
      (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
    );
  }

  #add(
    severity: Severity,
    code: string,
    span: Span,
    message: string,
    help: string,
    labels: readonly Label[],
  ): void {
    const key = `${code}\0${span.file}\0${span.line}\0${span.column}`;
    if (this.#found.length >= MAX_DIAGNOSTICS || this.#seen.has(key)) return;
    this.#seen.add(key);
    const { file, line, column, endLine, endColumn } = span;
    const place = { file, line, column, endLine, endColumn };
    this.#found.push({
      code,
      severity,
      message,
      ...place,
      help,
      ...(labels.length > 0 ? { labels } : {}),
    });
  }
}
