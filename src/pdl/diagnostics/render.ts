/** Draws a diagnostic for a terminal, in the manner of rustc: place, source lines, underlines, notes, fix. */

import type { Span } from '../ir.ts';
import { visible } from '../syntax/characters.ts';
import type { Diagnostic, Fix, Severity } from './diagnostic.ts';

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
type Style = keyof typeof STYLES;
const RESET = '\u001b[0m';
const COLORS: Readonly<Record<Severity, Style>> = { error: 'red', warning: 'yellow', info: 'blue' };
const FIXES: Readonly<Record<Fix['kind'], string>> = {
  safe: 'fix (safe)',
  pick: 'fix (pick one)',
  maybe: 'fix (maybe)',
};

/** Something underlined on one line: by `^` what the finding is about, by `-` what explains it. */
interface Mark {
  readonly span: Span;
  readonly text: string;
  readonly isSubject: boolean;
}

/**
 * Several lines without a final line break. `sourceText` is the text of the diagnostic's file, or ''. Controls in it
 * are shown as signs, so that a file cannot give orders to the terminal.
 */
export function renderDiagnostic(diagnostic: Diagnostic, sourceText: string, options: RenderOptions): string {
  const shown: Diagnostic = JSON.parse(JSON.stringify(diagnostic), (_, value) =>
    typeof value === 'string' ? visible(value) : value,
  );
  return drawDiagnostic(shown, visible(sourceText), options);
}

function drawDiagnostic(diagnostic: Diagnostic, sourceText: string, options: RenderOptions): string {
  const paint = (style: Style, text: string): string =>
    options.color && text !== '' ? `${STYLES[style]}${text}${RESET}` : text;
  const { code, severity, message, file, line, column } = diagnostic;
  const main = COLORS[severity];
  const marks = marksOf(diagnostic);
  const here = marks.filter(({ span }) => span.file === file);
  const width = String(Math.max(line, ...here.map(({ span }) => span.line))).length;
  const gutter = ' '.repeat(width);
  const drawn = [
    `${paint(main, `${severity}[${code}]`)}${paint('bold', `: ${message}`)}`,
    `${gutter}${paint('blue', '┌─')} ${file}:${line}:${column}`,
  ];
  if (sourceText !== '') {
    const source = sourceText.split('\n');
    for (const number of [...new Set(here.map(({ span }) => span.line))].sort((a, b) => a - b)) {
      const text = source[number - 1]?.replace(/\r$/, '');
      if (text === undefined) continue;
      drawn.push(`${paint('blue', `${String(number).padStart(width)} │`)} ${text.replaceAll('\t', TAB)}`);
      const onLine = here.filter(({ span }) => span.line === number);
      for (const row of underlines(text, onLine, (mark, shown) =>
        paint(mark.isSubject ? main : 'blue', shown),
      )) {
        drawn.push(`${gutter} ${paint('blue', '│')} ${row}`);
      }
    }
  }
  const notes = [...(diagnostic.notes ?? []), ...elsewhere(marks, file)];
  for (const note of notes) {
    const [first, ...rest] = note.split('\n');
    drawn.push(`${gutter} ${paint('blue', '=')} ${first}`, ...rest.map((each) => `${gutter}     ${each}`));
  }
  for (const advice of adviceOf(diagnostic))
    drawn.push(`${gutter} ${advice.replace(/^[^:]*/, (word) => paint('bold', word))}`);
  return drawn.join('\n');
}

function marksOf(diagnostic: Diagnostic): Mark[] {
  const labels = (diagnostic.labels ?? []).map(({ span, text, isSubject = false }) => ({
    span,
    text,
    isSubject,
  }));
  if (labels.some(({ isSubject }) => isSubject)) return labels;
  return [...labels, { span: diagnostic, text: diagnostic.label ?? '', isSubject: true }];
}

/** Marks in other files have no source at hand and become notes. */
function elsewhere(marks: readonly Mark[], file: string): string[] {
  return marks
    .filter(({ span }) => span.file !== file)
    .map(({ span, text }) => `${span.file}:${span.line}:${span.column}: ${text}`);
}

/** The rows under a source line: all underlines in one, what the last one says beside it, the others' below. */
function underlines(
  source: string,
  marks: readonly Mark[],
  paint: (mark: Mark, text: string) => string,
): string[] {
  const placed = marks
    .map((mark) => ({ mark, ...extent(source, mark.span) }))
    .sort((a, b) => a.from - b.from || Number(a.mark.isSubject) - Number(b.mark.isSubject));
  let row = '';
  let at = 0;
  for (const { mark, from, length } of placed) {
    const start = Math.max(from, at);
    const count = Math.max(from + length - start, 0);
    row += ' '.repeat(start - at) + paint(mark, (mark.isSubject ? '^' : '-').repeat(count));
    at = start + count;
  }
  const last = placed.at(-1)!;
  if (last.mark.text !== '') row += ` ${paint(last.mark, last.mark.text)}`;
  const below = placed
    .slice(0, -1)
    .reverse()
    .filter(({ mark }) => mark.text !== '');
  return [row, ...below.map(({ mark, from }) => ' '.repeat(from) + paint(mark, mark.text))];
}

/** Where a span begins on its line and how long it is there, with tabs drawn as blanks. */
function extent(source: string, span: Span): { from: number; length: number } {
  const from = source.slice(0, span.column - 1).replaceAll('\t', TAB).length;
  const end = span.endLine === span.line ? span.endColumn - 1 : source.length;
  const marked = source.slice(span.column - 1, end).replaceAll('\t', TAB);
  return { from, length: Math.max(1, marked.length) };
}

function adviceOf({ code, help, fixes = [], canBeIntended }: Diagnostic): string[] {
  const kinds = [...new Set(fixes.map(({ kind }) => kind))];
  const lines = kinds.map((kind) => {
    const titles = fixes.filter((fix) => fix.kind === kind).map(({ title }) => title);
    return `${FIXES[kind]}: ${titles.join(' · ')}`;
  });
  if (lines.length === 0 && help !== '') lines.push(`help: ${help}`);
  if (canBeIntended) lines.push(`if intended: @allow "${code}" @why "…"`);
  return lines;
}
