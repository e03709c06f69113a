/** What the compiler tells a person about a file: a code, a place, what is wrong and what to do. */
import type { Span } from '../ir.ts';

export type Severity = 'error' | 'warning';

/** A second place that explains the first, such as an earlier declaration of the same name. */
export interface Label {
  readonly span: Span;
  readonly text: string;
}

/** A replacement of the text at `span`, in the file of the diagnostic. */
export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/** A way to mend a finding. */
export interface Fix {
  /** What it does, as an editor's menu shows it. */
  readonly title: string;
  /** They do not overlap. */
  readonly edits: readonly Edit[];
  /** It can change nothing that the policy decides, so it may be applied without being asked for. */
  readonly isSafe: boolean;
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
  readonly fix?: Fix;
}

/** More errors than this from one compilation are not kept, nor more warnings. */
const MAX_DIAGNOSTICS = 200;

/** Collects the findings of one compilation; the same code at the same place is kept once. */
export class Report {
  readonly #found: Diagnostic[] = [];
  readonly #seen = new Set<string>();
  readonly #counts: Record<Severity, number> = { error: 0, warning: 0 };

  error(
    code: string,
    span: Span,
    message: string,
    help: string,
    labels: readonly Label[] = [],
    fix?: Fix,
  ): void {
    this.#add('error', code, span, message, help, labels, fix);
  }

  warning(
    code: string,
    span: Span,
    message: string,
    help: string,
    labels: readonly Label[] = [],
    fix?: Fix,
  ): void {
    this.#add('warning', code, span, message, help, labels, fix);
  }

  get errorCount(): number {
    return this.#counts.error;
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
    fix: Fix | undefined,
  ): void {
    const key = `${code}\0${span.file}\0${span.line}\0${span.column}`;
    if (this.#counts[severity] >= MAX_DIAGNOSTICS || this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#counts[severity]++;
    const { file, line, column, endLine, endColumn } = span;
    const place = { file, line, column, endLine, endColumn };
    this.#found.push({
      code,
      severity,
      message,
      ...place,
      help,
      ...(labels.length > 0 ? { labels } : {}),
      ...(fix ? { fix } : {}),
    });
  }
}
