/** What the compiler tells a person about a file: a code, a place, what is wrong and what to do. */
import type { Span } from '../ir.ts';

export type Severity = 'error' | 'warning' | 'info';

/** A second place that explains the first, such as an earlier declaration of the same name. */
export interface Label {
  readonly span: Span;
  /** May be empty where the place alone says enough. */
  readonly text: string;
  /** What the finding is about, where its own place is only where the story begins. */
  readonly isSubject?: boolean;
}

/** A change of the text. Lines and columns as in `Span`; an empty span inserts. */
export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/**
 * A way to mend what was found. `safe`: keeps what the author meant and may be applied unseen; `pick`: one of
 * several that are each complete, of which a person must choose; `maybe`: a direction to think in.
 */
export interface Fix {
  readonly kind: 'safe' | 'pick' | 'maybe';
  readonly title: string;
  readonly edits: readonly Edit[];
}

/** What may be said beyond the message: all of it is drawn. */
export interface Details {
  /** Said at the place itself. */
  readonly label?: string;
  readonly labels?: readonly Label[];
  /** What happens at run time, and why. A note may have several lines. */
  readonly notes?: readonly string[];
  readonly fixes?: readonly Fix[];
  /** The finding may be intended: say how to silence it with `@allow`. */
  readonly canBeIntended?: boolean;
}

/** One finding. Lines and columns are 1-based and count UTF-16 units; `endColumn` is exclusive. */
export interface Diagnostic extends Details {
  /** `PDL-` and a letter and number; each is explained in `catalogue.ts`. */
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
}

/** The place of a finding about a whole file. */
export function startOf(file: string): Span {
  return { file, line: 1, column: 1, endLine: 1, endColumn: 1 };
}

/** A finding about a whole file. */
export function fileProblem(
  file: string,
  code: string,
  message: string,
  help: string,
  severity: Severity = 'error',
): Diagnostic {
  return { code, severity, message, ...startOf(file), help };
}

/** More errors than this from one compilation are not kept, nor more warnings. */
const MAX_DIAGNOSTICS = 200;

/** Collects the findings of one compilation; the same code at the same place is kept once. */
export class Report {
  readonly #found: Diagnostic[] = [];
  readonly #seen = new Set<string>();
  readonly #infos: boolean;
  #errors = 0;
  readonly #counts: Record<Severity, number> = { error: 0, warning: 0, info: 0 };

  /** `infos`: keep what is merely worth knowing. */
  constructor(infos = false) {
    this.#infos = infos;
  }

  error(code: string, span: Span, message: string, help: string, details: Details = {}): void {
    this.#add('error', code, span, message, help, details);
  }

  warning(code: string, span: Span, message: string, help: string, details: Details = {}): void {
    this.#add('warning', code, span, message, help, details);
  }

  info(code: string, span: Span, message: string, help: string, details: Details = {}): void {
    if (this.#infos) this.#add('info', code, span, message, help, details);
  }

  /** Grows with every error, also one that was reported before: what compiles to nothing twice is not sound. */
  get errorCount(): number {
    return this.#errors;
  }

  /** No further error would be kept, so none needs to be worded with care. */
  get isFull(): boolean {
    return this.#counts.error >= MAX_DIAGNOSTICS;
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

  #add(severity: Severity, code: string, span: Span, message: string, help: string, details: Details): void {
    if (severity === 'error') this.#errors++;
    const key = `${code}\0${span.file}\0${span.line}\0${span.column}`;
    if (this.#counts[severity] >= MAX_DIAGNOSTICS || this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#counts[severity]++;
    const { file, line, column, endLine, endColumn } = span;
    this.#found.push({ code, severity, message, file, line, column, endLine, endColumn, help, ...details });
  }
}
