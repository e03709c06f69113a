/**
 * Reads a table of TLS clients: tab-separated lines `ja4 name kind versions library seen stable source`, of which the
 * first three are required; `-` or nothing stands for what is not known, and a line that begins with # is a comment.
 */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';

/** The table that comes with the package. */
export const OWN_CLIENTS: string = fileURLToPath(new URL('../../profiles/clients.tsv', import.meta.url));

/** A larger table is refused unread. */
export const MAX_CLIENTS_BYTES: number = 4 * 1024 * 1024;
const MAX_NAME = 48;
const MAX_TEXT = 160;

/** `library`: what programs are made with; `bot`: fetches by itself; `scanner`: looks for what a server can do. */
export const CLIENT_KINDS = ['browser', 'library', 'tool', 'scanner', 'bot'] as const;
export type ClientKind = (typeof CLIENT_KINDS)[number];

export const CLIENT_COLUMNS = [
  'ja4',
  'name',
  'kind',
  'versions',
  'library',
  'seen',
  'stable',
  'source',
] as const;

/** One program and a ClientHello it sends. */
export interface ClientRow {
  readonly ja4: string;
  readonly name: string;
  readonly kind: ClientKind;
  /** `120`, or `120-142` with both ends; null when unknown. */
  readonly versions: string | null;
  /** The TLS library it uses: `OpenSSL`, `BoringSSL`. */
  readonly library: string | null;
  /** Day of the last capture, as 2026-11-25. */
  readonly seen: string | null;
  /** JA4's last part over the extensions that do not depend on the single connection; see stable.ts. */
  readonly stable: string | null;
  /** Where the row comes from, for people. */
  readonly source: string | null;
}

/** Plain data, so that it can cross a thread. */
export interface ClientTable {
  /** The package's, or what stands for them. */
  readonly rows: readonly ClientRow[];
  /** The operator's: for a fingerprint that they name, they replace the rows above. */
  readonly own: readonly ClientRow[];
}

/** Knows none. */
export const NO_CLIENTS: ClientTable = { rows: [], own: [] };

export interface ClientRows {
  /** Null exactly when `diagnostics` holds an error. */
  readonly rows: readonly ClientRow[] | null;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ClientTableResult {
  /** Null exactly when `diagnostics` holds an error. */
  readonly table: ClientTable | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** The package's table, and over it an operator's; null: there is none. */
export function loadClients(own: string | null): ClientTableResult {
  const base = readClients(OWN_CLIENTS);
  const more = own === null ? { rows: [], diagnostics: [] } : readClients(own);
  const diagnostics = [...base.diagnostics, ...more.diagnostics];
  if (base.rows === null || more.rows === null) return { table: null, diagnostics };
  return { table: { rows: base.rows, own: more.rows }, diagnostics };
}

/** Reads a file; what is wrong with it comes with line and column. */
export function readClients(file: string): ClientRows {
  const refuse = (message: string, help: string): ClientRows => ({
    rows: null,
    diagnostics: [fileProblem(file, 'CLIENT-001', message, help)],
  });
  try {
    const { size } = statSync(file);
    if (size > MAX_CLIENTS_BYTES) {
      return refuse(`the table is ${size} bytes long; at most ${MAX_CLIENTS_BYTES} are read`, 'shorten it');
    }
    return parseClients(file, readFileSync(file, 'utf8'));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    return refuse(`the table of TLS clients cannot be read (${reason})`, 'check the path and its rights');
  }
}

/** `readClients` for text that is already read. */
export function parseClients(file: string, text: string): ClientRows {
  const rows: ClientRow[] = [];
  const diagnostics: Diagnostic[] = [];
  text.split('\n').forEach((raw, index) => {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '' || line.startsWith('#')) return;
    const row = parseRow(line, (column, length, message, help) => {
      const at = { line: index + 1, endLine: index + 1, column, endColumn: column + Math.max(length, 1) };
      diagnostics.push({ code: 'CLIENT-002', severity: 'error', message, file, ...at, help });
    });
    if (row !== null) rows.push(row);
  });
  return { rows: diagnostics.length === 0 ? rows : null, diagnostics };
}

type Refuse = (column: number, length: number, message: string, help: string) => void;

const JA4 = /^[tdq](?:1[0-3]|s[23]|d[1-3]|00)[di]\d{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/;
const VERSION = /^\d+(?:\.\d+)*$/;

const text =
  (longest: number) =>
  (value: string): boolean =>
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in it.
    value.length <= longest && !/[\u0000-\u001f\u007f]/.test(value);

/** By column: is a value one, and what to write. */
const WANTED: readonly (readonly [is: (value: string) => boolean, help: string])[] = [
  [(value) => JA4.test(value), 'write a JA4 such as t13d1516h2_8daaf6152771_02713d6af862'],
  [text(MAX_NAME), `write a name of 1 to ${MAX_NAME} characters`],
  [(value) => CLIENT_KINDS.includes(value as ClientKind), `write ${CLIENT_KINDS.join(', ')}`],
  [isVersions, 'write a version or two with a hyphen between them, such as 120-142'],
  [text(MAX_NAME), `write a name of at most ${MAX_NAME} characters`],
  [isDay, 'write a day such as 2026-11-25'],
  [(value) => /^[0-9a-f]{12}$/.test(value), 'write twelve lower-case hex digits'],
  [text(MAX_TEXT), `write at most ${MAX_TEXT} characters`],
];

function isVersions(value: string): boolean {
  const ends = value.split('-');
  return ends.length <= 2 && ends.every((end) => end.length <= 24 && VERSION.test(end));
}

function isDay(value: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}$/.test(value) && new Date(value).toJSON()?.startsWith(value.slice(0, 10)) === true
  );
}

function parseRow(line: string, refuse: Refuse): ClientRow | null {
  const cells = line.split('\t');
  if (cells.length < 3 || cells.length > CLIENT_COLUMNS.length) {
    const help = `the columns are ${CLIENT_COLUMNS.join(', ')}; the first three are required`;
    refuse(1, line.length, `the line has ${cells.length} columns between tabs`, help);
    return null;
  }
  let column = 1;
  let good = true;
  const values = cells.map((cell, index) => {
    const at = column;
    column += cell.length + 1;
    const value = cell.trim();
    const known = value !== '' && value !== '-';
    const [is, help] = WANTED[index]!;
    if (known ? is(value) : index >= 3) return known ? value : null;
    refuse(at, cell.length, `${JSON.stringify(value)} is not a value of \`${CLIENT_COLUMNS[index]}\``, help);
    good = false;
    return null;
  });
  if (!good) return null;
  const [ja4, name, kind, versions = null, library = null, seen = null, stable = null, source = null] =
    values;
  return { ja4: ja4!, name: name!, kind: kind as ClientKind, versions, library, seen, stable, source };
}
