/** Columns for the decision core's batch scoring: checked, put in the order of the score's signals, and cut. */
import type { Program } from '../pdl/ir.ts';

/** A column for each signal, by the signal's name. */
export type Columns = Readonly<Record<string, Uint8Array | Float64Array>>;

export interface OrderedColumns {
  /** Index in `Program.scores`. */
  readonly score: number;
  readonly rows: number;
  /** In the order of the score's signals; null where there is none. */
  readonly columns: readonly (Uint8Array | Float64Array | null)[];
  /** How many rows, with their scores, fit in so many bytes; at least one. */
  rowsIn(bytes: number): number;
}

const SCORE_BYTES = 4;

/** @throws TypeError or RangeError that names the column or score it does not like. */
export function orderColumns(program: Program, columns: Columns, name?: string): OrderedColumns {
  const index =
    name === undefined
      ? (program.sites[0]?.score ?? 0)
      : program.scores.findIndex((score) => score.name === name);
  const score = program.scores[index];
  if (score === undefined) {
    throw new RangeError(
      `there is no score called ${name}; there are ${program.scores.map((s) => s.name).join(', ')}`,
    );
  }
  const names = score.signals.map((signal) => signal.name);
  for (const given of Object.keys(columns)) {
    if (!names.includes(given)) {
      throw new RangeError(`score ${score.name} has no signal called ${given}; it has ${names.join(', ')}`);
    }
  }
  const ordered = score.signals.map((signal) => {
    const column = columns[signal.name];
    if (column === undefined) return null;
    const wanted = signal.ramp === undefined ? Uint8Array : Float64Array;
    if (!(column instanceof wanted))
      throw new TypeError(`the column of ${signal.name} must be a ${wanted.name}`);
    return column;
  });
  const present = ordered.filter((column) => column !== null);
  const rows = present[0]?.length ?? 0;
  if (present.some((column) => column.length !== rows)) {
    const lengths = names.flatMap((each, i) => (ordered[i] ? [`${each} ${ordered[i].length}`] : []));
    throw new RangeError(`the columns differ in length: ${lengths.join(', ')}`);
  }
  const width = present.reduce((sum, column) => sum + column.BYTES_PER_ELEMENT, SCORE_BYTES);
  // Each column begins at a multiple of 8.
  const overhead = (ordered.length + present.length + 1) * 8;
  const rowsIn = (bytes: number): number => Math.max(1, Math.floor((bytes - overhead) / width));
  return { score: index, rows, columns: ordered, rowsIn };
}

/**
 * Lays `rows` rows from `first` out as `sp_score_batch` reads them: the place of each column, then the columns.
 * Returns how many bytes that took; the scores' place is after them.
 */
export function cutColumns(
  { columns }: OrderedColumns,
  first: number,
  rows: number,
  into: Uint8Array,
): number {
  const places = new Int32Array(into.buffer, into.byteOffset, columns.length);
  let at = align8(columns.length * 4);
  columns.forEach((column, signal) => {
    places[signal] = column === null ? -1 : at;
    if (column === null) return;
    const part = column.subarray(first, first + rows);
    into.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at = align8(at + part.byteLength);
  });
  return at;
}

function align8(offset: number): number {
  return (offset + 7) & ~7;
}
