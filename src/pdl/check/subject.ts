/** What every check of a whole program looks at, and how a finding is reported or silenced. */
import type { Origins } from '../compile/build.ts';
import type { Details, Report } from '../diagnostics/diagnostic.ts';
import type { Program, Span } from '../ir.ts';
import type { Annotation } from '../syntax/ast.ts';

export interface Subject {
  readonly program: Program;
  readonly origins: Origins;
  readonly report: Report;
  /** Milliseconds since the epoch, for what expires; null: not asked. */
  readonly now: number | null;
}

/** What a finding says: all but its code. */
export interface Finding {
  readonly span: Span;
  readonly message: string;
  readonly help: string;
  readonly details?: Details;
}

export function isAllowed(annotations: readonly Annotation[], code: string): boolean {
  return annotations.some(({ name, value }) => name.text === 'allow' && value === code);
}

/** A warning, unless `@allow "CODE"` stands at the declaration. */
export function warn(
  report: Report,
  code: string,
  annotations: readonly Annotation[],
  finding: Finding,
): void {
  if (isAllowed(annotations, code)) return;
  report.warning(code, finding.span, finding.message, finding.help, finding.details);
}
