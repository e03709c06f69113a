/** Draws a diagnostic for a terminal, in the manner of rustc: place, source line, underline, help. */

import type { Span } from '../ir.ts';
import type { Diagnostic } from './diagnostic.ts';

export interface RenderOptions {
  /** ANSI colours. */
  readonly color: boolean;
}

const TAB = '    ';
const STYLES = {
  bold: '\u001b[1m',
  red: '\u001b[1;31m',
  yellow: '\u001b[1;33m',
  blue: '\u001b[1;34m',
} as const;
const RESET = '\u001b[0m';

/** Several lines without a final line break. `sourceText` is the text of the diagnostic's file, or ''. */
export function renderDiagnostic(diagnostic: Diagnostic, sourceText: string, options: RenderOptions): string {
  const paint = (style: keyof typeof STYLES, text: string): string =>
    options.color ? `${STYLES[style]}${text}${RESET}` : text;
  const { code, severity, message, file, line, column, help } = diagnostic;
  const main = severity === 'error' ? 'red' : 'yellow';
  const lines = sourceText.split('\n');
  const here = diagnostic.labels?.filter(({ span }) => span.file === file) ?? [];
  const width = String(Math.max(line, ...here.map(({ span }) => span.line))).length;
  const bar = (number: string): string => paint('blue', `${number.padStart(width)} |`);

  const drawn = [
    `${paint(main, `${severity}[${code}]`)}${paint('bold', `: ${message}`)}`,
    `${' '.repeat(width)}${paint('blue', '-->')} ${file}:${line}:${column}`,
  ];
  const show = (span: Span, mark: '^' | '-', text: string): void => {
    const source = lines[span.line - 1]?.replace(/\r$/, '');
    if (source === undefined || (source === '' && sourceText === '')) return;
    const { pad, length } = underline(source, span);
    const note = text === '' ? '' : ` ${text}`;
    drawn.push(`${bar(String(span.line))} ${source.replaceAll('\t', TAB)}`);
    drawn.push(`${bar('')} ${pad}${paint(mark === '^' ? main : 'blue', mark.repeat(length) + note)}`);
  };
  drawn.push(bar(''));
  for (const { span, text } of here) show(span, '-', text);
  show(diagnostic, '^', '');
  for (const { span, text } of diagnostic.labels ?? []) {
    if (span.file !== file)
      drawn.push(`${' '.repeat(width)} = ${span.file}:${span.line}:${span.column}: ${text}`);
  }
  if (help !== '') drawn.push(`${' '.repeat(width)} = ${paint('bold', 'help')}: ${help}`);
  return drawn.join('\n');
}

/** What stands under a source line: blanks up to the span, and its length on that line. */
function underline(source: string, span: Span): { pad: string; length: number } {
  const before = source.slice(0, span.column - 1).replaceAll('\t', TAB);
  const end = span.endLine === span.line ? span.endColumn - 1 : source.length;
  const marked = source.slice(span.column - 1, end).replaceAll('\t', TAB);
  return { pad: ' '.repeat(before.length), length: Math.max(1, marked.length) };
}
