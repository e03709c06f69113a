/** Feeds made of lines: plain lists, netset and ipset, ipsum, Tor's exit list, CSV. */
import { PackedTexts } from '../core/packed-texts.ts';
import { PrefixReader } from '../pdl/ip.ts';
import { type FeedContent, FeedFormatError } from './content.ts';
import { type Contents, entryOf, type FeedType, memberOf } from './member.ts';
import type { FeedOptions } from './settings.ts';
import { textOf } from './text.ts';

/** Members while they are found; those of a long list as well. */
class Members implements FeedContent {
  readonly members: PackedTexts;
  readonly bad: number[] = [];
  readonly #contents: Contents;
  #lines: Uint32Array<ArrayBufferLike> = new Uint32Array(1_024);
  readonly #isPrefix: boolean;
  readonly #reader = new PrefixReader();

  /** @param bytes Length of the content. */
  constructor(contents: Contents, bytes: number) {
    this.#contents = contents;
    this.#isPrefix = (contents.type === 'cidr' || contents.type === 'ip') && contents.toScore === undefined;
    this.members = new PackedTexts(bytes, 1_024);
  }

  get lines(): Uint32Array {
    return this.#lines.subarray(0, this.members.length);
  }

  add(text: string, line: number, score?: string): void {
    const member = entryOf(this.#contents, text, score);
    if (member === null) this.bad.push(this.members.length);
    this.#note(line);
    this.members.add(member ?? text);
  }

  /** Adds bytes that are one word of ASCII. */
  addWord(bytes: Uint8Array, from: number, to: number, line: number): void {
    if (!this.#isPrefix) return this.add(asciiText(bytes, from, to), line);
    if (!this.#reader.read(bytes, from, to)) this.bad.push(this.members.length);
    this.#note(line);
    this.members.addBytes(bytes, from, to);
  }

  #note(line: number): void {
    const { length } = this.members;
    if (length === this.#lines.length) {
      const larger = new Uint32Array(length * 2);
      larger.set(this.#lines);
      this.#lines = larger;
    }
    this.#lines[length] = line;
  }
}

function asciiText(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1');
}

/** Types whose members hold no blank, so that what follows one is a note, as the count in ipsum's list. */
const ONE_WORD: readonly FeedType[] = ['cidr', 'ip', 'asn', 'country', 'host', 'ja3', 'ja4'];

/** A member and, behind blanks or a comma, its score. */
const WITH_SCORE = /^(.*?)(?:\s*,\s*|\s+)([+-]?\d+(?:\.\d+)?)$/;

const NEWLINE = 0x0a;
const SPACE = 0x20;

/**
 * One member a line; `#` begins a comment, and so does `;` for types that have none. A feed `to score` has the score
 * behind the member.
 */
export function readLines(bytes: Uint8Array, contents: Contents): FeedContent {
  const found = new Members(contents, bytes.length);
  const readWords = ONE_WORD.includes(contents.type) && contents.toScore === undefined;
  let line = 0;
  for (let start = startOf(bytes); start <= bytes.length; ) {
    const at = bytes.indexOf(NEWLINE, start);
    const end = at === -1 ? bytes.length : at;
    line++;
    // why: nearly all lines of a long list are one word, whose text nobody needs.
    const word = readWords ? wordEnd(bytes, start, end) : start;
    if (word > start) found.addWord(bytes, start, word, line);
    else if (end > start) readLine(found, textOf(bytes.subarray(start, end)), line, contents);
    start = end + 1;
  }
  return found;
}

/** Any line: it may have a comment, a note, a score, or nothing. */
function readLine(found: Members, raw: string, line: number, { type, toScore }: Contents): void {
  const isWord = ONE_WORD.includes(type);
  const at = raw.search(isWord ? /[#;]/ : /#/);
  const entry = (at === -1 ? raw : raw.slice(0, at)).trim();
  if (entry === '') return;
  if (toScore !== undefined) {
    const [, member = entry, score] = WITH_SCORE.exec(entry) ?? [];
    found.add(member, line, score);
    return;
  }
  const [word, note] = isWord ? entry.split(/\t+/, 2) : [entry];
  found.add(note === undefined || /^\d+$/.test(note.trim()) ? word!.trim() : entry, line);
}

/** Behind a byte order mark. */
function startOf(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

const WORD = /^[!-~]$/;
/** By byte: it may be a part of a word without a comment. */
const IN_WORD = Uint8Array.from({ length: 256 }, (_, byte) =>
  WORD.test(String.fromCharCode(byte)) && byte !== 0x23 && byte !== 0x3b ? 1 : 0,
);
const RETURN = 0x0d;

/** Where the one word that a line consists of ends, with blanks behind it; `from` for any other line. */
function wordEnd(bytes: Uint8Array, from: number, to: number): number {
  let end = from;
  while (end < to && IN_WORD[bytes[end]!] === 1) end++;
  for (let at = end; at < to; at++) if (bytes[at] !== SPACE && bytes[at] !== RETURN) return from;
  return end;
}

/** Tor's list of exits: `ExitAddress ADDRESS DATE TIME` among other lines (tordnsel 1.0). */
export function readTor(text: string, contents: Contents): FeedContent {
  const found = new Members(contents, text.length);
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
  const found = new Members(contents, text.length);
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
