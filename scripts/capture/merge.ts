/** Takes what was captured into the table of clients: again and again, the table stays the same. */

import { programKey, widen } from '../../src/profile/client-matcher.ts';
import { CLIENT_COLUMNS, type ClientRow } from '../../src/profile/clients.ts';

/** What makes two rows the same: the hello, the protocols it offers, the program and its library. */
const identity = (row: ClientRow): string =>
  [programKey(row.ja4), row.ja4.slice(8, 10), row.name, row.library].join(' ');

/** Rows of one identity become one: with all their versions, and the last day and source. */
export function mergeRows(known: readonly ClientRow[], captured: readonly ClientRow[]): readonly ClientRow[] {
  const rows = new Map<string, ClientRow>();
  for (const row of [...known, ...captured]) {
    const before = rows.get(identity(row));
    if (before === undefined) rows.set(identity(row), row);
    else rows.set(identity(row), mergeTwo(before, row));
  }
  const all = [...rows.values()];
  // A scanner that sends what a library sends by itself is not told by it.
  const usual = new Set(all.filter(({ kind }) => kind !== 'scanner').map(({ ja4 }) => programKey(ja4)));
  const telling = all.filter((row) => row.kind !== 'scanner' || !usual.has(programKey(row.ja4)));
  return telling.sort(
    (a, b) =>
      compare(a.kind, b.kind) ||
      compare(a.name, b.name) ||
      compare(a.library, b.library) ||
      compare(a.ja4, b.ja4),
  );
}

function mergeTwo(before: ClientRow, row: ClientRow): ClientRow {
  const versions = widen([before.versions, row.versions]);
  const later = (row.seen ?? '') > (before.seen ?? '') ? row : before;
  return { ...before, versions, seen: later.seen, source: later.source, stable: before.stable ?? row.stable };
}

function compare(a: string | null, b: string | null): number {
  return a === b ? 0 : (a ?? '') < (b ?? '') ? -1 : 1;
}

/** The lines of the table under its comments, which are kept. */
export function formatTable(comments: string, rows: readonly ClientRow[]): string {
  const lines = rows.map((row) => CLIENT_COLUMNS.map((column) => row[column] ?? '-').join('\t'));
  return `${comments}${lines.map((line) => `${line}\n`).join('')}`;
}

/** The comments that a table begins with. */
export function commentsOf(text: string): string {
  return /^(?:#.*\n|\n)*/.exec(text)?.[0] ?? '';
}
