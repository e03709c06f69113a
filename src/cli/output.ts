/** How verbs speak: for people on a terminal, in JSON lines to everything else. */
import { readFileSync } from 'node:fs';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import { renderDiagnostic } from '../pdl/diagnostics/render.ts';
import { shownPath } from './policy-files.ts';

export type Format = 'human' | 'json';

/** What was asked for; without it `human` on a terminal and `json` elsewhere. */
export function chooseFormat(asked: Format | undefined): Format {
  return asked ?? (process.stdout.isTTY ? 'human' : 'json');
}

/** Colour only on a terminal, and never against NO_COLOR (https://no-color.org). */
export function useColor(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR;
}

/** Shows diagnostics: drawn with their source on standard error, or one JSON object a line on standard output. */
export function printDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: ReadonlyMap<string, string>,
  format: Format,
): void {
  for (const diagnostic of diagnostics) {
    if (format === 'json') process.stdout.write(`${JSON.stringify(plain(diagnostic))}\n`);
    else {
      const text = sources.get(diagnostic.file) ?? readIfThere(diagnostic.file);
      const color = useColor(process.stderr);
      process.stderr.write(`${renderDiagnostic(withShortPaths(diagnostic), text, { color })}\n\n`);
    }
  }
}

/** Paths as people write them. */
function withShortPaths(diagnostic: Diagnostic): Diagnostic {
  const file = shownPath(diagnostic.file);
  const labels = diagnostic.labels?.map((label) => ({
    ...label,
    span: { ...label.span, file: shownPath(label.span.file) },
  }));
  return { ...diagnostic, file, ...(labels === undefined ? {} : { labels }) };
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}

/** The stable keys in their documented order. */
function plain(diagnostic: Diagnostic): object {
  const { code, severity, message, file, line, column, endLine, endColumn, help, ...details } = diagnostic;
  return { code, severity, message, file, line, column, endLine, endColumn, help, ...details };
}

/** A diagnostic may point at a variable or a flag: those have no text. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
