/** Feeds made of lines: plain lists, netset and ipset, ipsum, Tor's exit list, CSV. */
import { type FeedContent, FeedFormatError } from './content.ts';
import { type FeedType, memberOf } from './member.ts';

class Members {
  readonly members: string[] = [];
  readonly lines: number[] = [];
  readonly bad: number[] = [];
  readonly #type: FeedType;

  constructor(type: FeedType) {
    this.#type = type;
  }

  add(text: string, line: number): void {
    const member = memberOf(this.#type, text);
    if (member === null) this.bad.push(this.members.length);
    this.members.push(member ?? text);
    this.lines.push(line);
  }
}

/** Types whose members hold no blank, so that what follows one is a note, as the count in ipsum's list. */
const ONE_WORD: readonly FeedType[] = ['cidr', 'ip', 'asn', 'country', 'host', 'ja3', 'ja4'];

/** One member a line; `#` begins a comment, and so does `;` for types that have none. */
export function readLines(text: string, type: FeedType): FeedContent {
  const found = new Members(type);
  const isWord = ONE_WORD.includes(type);
  const comment = isWord ? /[#;]/ : /#/;
  eachLine(text, (raw, line) => {
    const at = raw.search(comment);
    const entry = (at === -1 ? raw : raw.slice(0, at)).trim();
    if (entry === '') return;
    const [word, note] = isWord ? entry.split(/\t+/, 2) : [entry];
    found.add(note === undefined || /^\d+$/.test(note.trim()) ? word!.trim() : entry, line);
  });
  return found;
}

/** Tor's list of exits: `ExitAddress ADDRESS DATE TIME` among other lines (tordnsel 1.0). */
export function readTor(text: string, type: FeedType): FeedContent {
  const found = new Members(type);
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
 * the type in every probed row is read.
 */
export function readCsv(text: string, type: FeedType, column?: string | number): FeedContent {
  const rows: { cells: string[]; line: number }[] = [];
  let comment: string[] = [];
  eachLine(text, (raw, line) => {
    if (raw.startsWith('#')) {
      if (rows.length === 0 && raw.includes(',')) comment = cellsOf(raw.replace(/^#+\s*/, ''), line);
    } else if (raw.trim() !== '') rows.push({ cells: cellsOf(raw, line), line });
  });
  const found = new Members(type);
  if (rows.length === 0) return found;
  const headed = !rows[0]!.cells.some((cell) => memberOf(type, cell) !== null) && type !== 'string';
  const header = headed || typeof column === 'string' ? (headed ? rows[0]!.cells : comment) : comment;
  const body = headed ? rows.slice(1) : rows;
  const index = column === undefined ? probe(body, type) : indexOf(column, header);
  for (const { cells, line } of body) found.add(cells[index] ?? '', line);
  return found;
}

function indexOf(column: string | number, header: readonly string[]): number {
  if (typeof column === 'number') return column - 1;
  const index = header.findIndex((name) => name.toLowerCase() === column.toLowerCase());
  if (index === -1) {
    throw new FeedFormatError(`there is no column ${JSON.stringify(column)}; it has: ${header.join(', ')}`);
  }
  return index;
}

function probe(rows: readonly { cells: readonly string[] }[], type: FeedType): number {
  const probed = rows.slice(0, PROBED_ROWS);
  const width = probed[0]?.cells.length ?? 0;
  for (let index = 0; index < width; index++) {
    if (probed.every(({ cells }) => memberOf(type, cells[index] ?? '') !== null)) return index;
  }
  throw new FeedFormatError(`no column holds members of type ${type}`);
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
