/** Lines made of cells: where they begin, and how the cells of neighbouring lines are aligned. */

/** A place on a line: `offset` characters into cell `cell`. Without a line, `offset` counts from the margin. */
export interface Place {
  readonly line: Line | null;
  readonly cell: number;
  readonly offset: number;
}

export const MARGIN: Place = { line: null, cell: 0, offset: 0 };

interface Cell {
  text: string;
  /** Blanks before it on the line. */
  readonly space: number;
  /** Cells align with those above that have the same tag and whose left neighbours align too. */
  readonly tag: string;
  /** Blanks added after it, to align the next cell. */
  padding: number;
}

/** One line of output. */
export class Line {
  readonly at: Place;
  readonly blankBefore: boolean;
  readonly cells: Cell[] = [];
  comment: string | null = null;
  /** What the line belongs to: lines next to each other align within one table. Null never aligns. */
  table: object | null = null;
  /** A comment or annotation, which may stand between lines that align. */
  transparent = false;

  constructor(at: Place, blankBefore: boolean) {
    this.at = at;
    this.blankBefore = blankBefore;
  }

  begin(tag: string, space: number): void {
    this.cells.push({ text: '', space: this.cells.length === 0 ? 0 : space, tag, padding: 0 });
  }

  write(text: string): void {
    this.cells.at(-1)!.text += text;
  }

  /** The place where the next character goes. */
  get end(): Place {
    const cell = Math.max(0, this.cells.length - 1);
    return { line: this, cell, offset: width(this.cells[cell]?.text ?? '') };
  }
}

/** Cells beyond these are not aligned. */
const MAX_COLUMNS = 32;

/** The tag of cells that align whatever comes after them. */
export const KEY = 'key';

/** A cell that is this much wider than the narrowest of its column sticks out; the others align without it. */
const WIDEST_GAP = 24;

/** Aligns and draws the lines; the text ends in one line break. */
export function draw(lines: readonly Line[]): string {
  alignTables(lines);
  const columns = new Map<Line, number>();
  const drawn = lines.map((line) => {
    const column = columnOf(line.at, columns);
    columns.set(line, column);
    const text = line.cells.map(({ text, space, padding }) => ' '.repeat(space) + text + ' '.repeat(padding));
    return { line, text: ' '.repeat(column) + text.join('').replace(/ +$/, '') };
  });
  const comments = commentColumns(drawn);
  return drawn
    .map(({ line, text }, index) => {
      const comment = line.comment === null ? '' : text.padEnd(comments[index]!) + line.comment;
      const blank = line.blankBefore && index > 0 ? '\n' : '';
      return `${blank}${line.comment === null ? text : comment}\n`;
    })
    .join('');
}

function columnOf({ line, cell, offset }: Place, columns: ReadonlyMap<Line, number>): number {
  if (line === null) return offset;
  let column = columns.get(line)! + offset;
  for (const [index, { text, space, padding }] of line.cells.entries()) {
    if (index > cell) break;
    column += space;
    if (index < cell) column += width(text) + padding;
  }
  return column;
}

/** Comments after code: two blanks from it, and in one column where lines next to each other have them. */
function commentColumns(drawn: readonly { line: Line; text: string }[]): number[] {
  const columns: number[] = [];
  let run: number[] = [];
  const flush = (): void => {
    const column = run.reduce((most, index) => Math.max(most, drawn[index]!.text.length), 0) + 2;
    for (const index of run) columns[index] = column;
    run = [];
  };
  for (const [index, { line, text }] of drawn.entries()) {
    const previous = run.length === 0 ? null : drawn[run.at(-1)!]!.text.length;
    const isFar = previous !== null && Math.abs(text.length - previous) > WIDEST_GAP;
    if (line.comment === null || text === '' || line.blankBefore || isFar) flush();
    if (text === '') columns[index] = 0;
    else if (line.comment !== null) run.push(index);
  }
  flush();
  return columns;
}

/** Splits the lines into runs of one table, and aligns each. */
function alignTables(lines: readonly Line[]): void {
  let run: Line[] = [];
  const flush = (): void => {
    alignColumn(run, 0);
    run = [];
  };
  for (const line of lines) {
    if (line.transparent && !line.blankBefore) continue;
    if (line.blankBefore || line.table === null || line.table !== run[0]?.table) flush();
    if (line.table !== null) run.push(line);
  }
  flush();
}

/** Pads cell `index` of the lines, which agree in all cells before it, so that the next cells align. */
function alignColumn(lines: readonly Line[], index: number): void {
  if (lines.length < 2 || index === MAX_COLUMNS) return;
  for (const group of groups(lines, index)) {
    const widthOf = (line: Line): number => width(line.cells[index]!.text);
    const narrowest = group.reduce((least, line) => Math.min(least, widthOf(line)), Number.POSITIVE_INFINITY);
    const aligned = group.filter((line) => widthOf(line) <= narrowest + WIDEST_GAP);
    const widest = aligned.reduce((most, line) => Math.max(most, widthOf(line)), 0);
    for (const line of aligned) line.cells[index]!.padding = widest - widthOf(line);
    alignColumn(aligned, index + 1);
  }
}

/** Neighbours with the same tags at `index` and after it. */
function groups(lines: readonly Line[], index: number): Line[][] {
  const found: Line[][] = [];
  let previous: Line | null = null;
  for (const line of lines) {
    const [cell, next] = [line.cells[index], line.cells[index + 1]];
    if (cell === undefined || next === undefined) {
      previous = null;
      continue;
    }
    const fits =
      previous?.cells[index]?.tag === cell.tag &&
      (cell.tag === KEY || previous.cells[index + 1]?.tag === next.tag);
    if (fits) found.at(-1)!.push(line);
    else found.push([line]);
    previous = line;
  }
  return found;
}

/** In characters, not UTF-16 units. */
function width(text: string): number {
  return [...text].length;
}
