/** Feeds made of lines: plain lists, netset and ipset, ipsum, Tor's exit list, CSV. */
import { type FeedContent, FeedFormatError } from './content.ts';
import { type Contents, entryOf, type FeedType, memberOf } from './member.ts';
import type { FeedOptions } from './settings.ts';

class Members {
  readonly members: string[] = [];
  readonly lines: number[] = [];
  readonly bad: number[] = [];
  readonly #contents: Contents;

  constructor(contents: Contents) {
    this.#contents = contents;
  }

  add(text: string, line: number, score?: string): void {
    const member = entryOf(this.#contents, text, score);
    if (member === null) this.bad.push(this.members.length);
    this.members.push(member ?? text);
    this.lines.push(line);
  }
}

/** Types whose members hold no blank, so that what follows one is a note, as the count in ipsum's list. */
const ONE_WORD: readonly FeedType[] = ['cidr', 'ip', 'asn', 'country', 'host', 'ja3', 'ja4'];

/** A member and, behind blanks or a comma, its score. */
const WITH_SCORE = /^(.*?)(?:\s*,\s*|\s+)([+-]?\d+(?:\.\d+)?)$/;

/**
 * One member a line; `#` begins a comment, and so does `;` for types that have none. A feed `to score` has the score
 * behind the member.
 */
export function readLines(text: string, contents: Contents): FeedContent {
  const found = new Members(contents);
  const { type, toScore } = contents;
  const isWord = ONE_WORD.includes(type);
  const comment = isWord ? /[#;]/ : /#/;
  eachLine(text, (raw, line) => {
    const at = raw.search(comment);
    const entry = (at === -1 ? raw : raw.slice(0, at)).trim();
    if (entry === '') return;
    if (toScore !== undefined) {
      const [, member = entry, score] = WITH_SCORE.exec(entry) ?? [];
      found.add(member, line, score);
      return;
    }
    const [word, note] = isWord ? entry.split(/\t+/, 2) : [entry];
    found.add(note === undefined || /^\d+$/.test(note.trim()) ? word!.trim() : entry, line);
  });
  return found;
}

/** Tor's list of exits: `ExitAddress ADDRESS DATE TIME` among other lines (tordnsel 1.0). */
export function readTor(text: string, contents: Contents): FeedContent {
  const found = new Members(contents);
  eachLine(text, (raw, line) => {
    const address = /^ExitAddress (\S+)/.exec(raw)?.[1];
    if (address !== undefined) found.add(address, line);
  });
  return found;
}

/** Rows that are looked at to find the column that holds the members. */
const PROBED_ROWS = 50;

/**
 * Comma-separated values (RFC 4180), `#` before comments. The header is the first row, or the last comment
 * before the first row, where it holds no member. Without `column`, the first column that holds members of
 * the type in every probed row is read; without `score`, scores are in the column of that name, else in the first
 * one after the members that holds numbers.
 */
export function readCsv(text: string, contents: Contents, options: FeedOptions): FeedContent {
  const { type, toScore } = contents;
  const { column, score } = options;
  const rows: Row[] = [];
  let comment: string[] = [];
  eachLine(text, (raw, line) => {
    if (raw.startsWith('#')) {
      if (rows.length === 0 && raw.includes(',')) comment = cellsOf(raw.replace(/^#+\s*/, ''), line);
    } else if (raw.trim() !== '') rows.push({ cells: cellsOf(raw, line), line });
  });
  const found = new Members(contents);
  if (rows.length === 0) return found;
  const isMember = (cell: string): boolean => memberOf(type, cell) !== null;
  const headed = !rows[0]!.cells.some(isMember) && type !== 'string';
  const header = headed ? rows[0]!.cells : comment;
  const body = headed ? rows.slice(1) : rows;
  const index =
    column === undefined ? probe(body, isMember, `members of type ${type}`) : indexOf(column, header);
  const scores = toScore === undefined ? -1 : scoreColumn(body, header, score, index);
  for (const { cells, line } of body) found.add(cells[index] ?? '', line, cells[scores]);
  return found;
}

interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

function indexOf(column: string | number, header: readonly string[]): number {
  if (typeof column === 'number') return column - 1;
  const index = header.findIndex((name) => name.toLowerCase() === column.toLowerCase());
  if (index === -1) {
    throw new FeedFormatError(`there is no column ${JSON.stringify(column)}; it has: ${header.join(', ')}`);
  }
  return index;
}

function scoreColumn(
  body: readonly Row[],
  header: readonly string[],
  given: string | number | undefined,
  members: number,
): number {
  if (given !== undefined) return indexOf(given, header);
  const named = header.findIndex((name) => name.toLowerCase() === 'score');
  return named !== -1 ? named : probe(body, (cell) => /^\d+(?:\.\d+)?$/.test(cell), 'scores', members + 1);
}

/** The first column from `from` on whose cells are all as wanted. */
function probe(body: readonly Row[], isWanted: (cell: string) => boolean, what: string, from = 0): number {
  const probed = body.slice(0, PROBED_ROWS);
  const width = probed[0]?.cells.length ?? 0;
  for (let index = from; index < width; index++) {
    if (probed.every(({ cells }) => isWanted(cells[index] ?? ''))) return index;
  }
  throw new FeedFormatError(`no column holds ${what}`);
}

/** The cells of one row; a quoted cell may hold commas and doubled quotes, but no line break. */
function cellsOf(row: string, line: number): string[] {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    const start = /\S|$/.exec(row.slice(at))!.index + at;
    if (row[start] === '"') {
      const match = /^"((?:[^"]|"")*)"\s*(?:,|$)/.exec(row.slice(start));
      if (match === null) throw new FeedFormatError('a quoted value does not end', line);
      cells.push(match[1]!.replaceAll('""', '"').trim());
      at = start + match[0].length;
      if (!match[0].endsWith(',')) return cells;
    } else {
      const comma = row.indexOf(',', at);
      cells.push(row.slice(at, comma === -1 ? undefined : comma).trim());
      if (comma === -1) return cells;
      at = comma + 1;
    }
  }
}

export function eachLine(text: string, visit: (raw: string, line: number) => void): void {
  text.split('\n').forEach((raw, index) => {
    visit(raw.endsWith('\r') ? raw.slice(0, -1) : raw, index + 1);
  });
}
