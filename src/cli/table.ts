/** Columns for a terminal. */
import type { Paint } from './style.ts';

/** Lines of cells under a head, each column as wide as its widest cell; numbers stand to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint,
  toTheRight: readonly number[] = [],
  colour: (cell: string, column: number) => string = (cell) => cell,
): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const blanks = ' '.repeat(widths[column]! - cell.length);
        // why: what colours a cell must not widen it, and nothing stands behind the last word of a line.
        const shown = cells === head ? cell : colour(cell, column);
        if (toTheRight.includes(column)) return blanks + shown;
        return cells.slice(column + 1).some((each) => each !== '') ? shown + blanks : shown;
      })
      .join('  ')
      .trimEnd();
  return [paint('dim', line(head)), ...rows.map(line)].map((each) => `${each}\n`).join('');
}

/** A time span in its largest units: `45s`, `3m`, `2h 5m`, `4d 3h`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const [days, hours, minutes] = [seconds / 86_400, seconds / 3_600, seconds / 60].map(Math.floor);
  const two = (large: string, small: number, unit: string): string =>
    small === 0 ? large : `${large} ${small}${unit}`;
  if (days! > 0) return two(`${days}d`, hours! % 24, 'h');
  if (hours! > 0) return two(`${hours}h`, minutes! % 60, 'm');
  return minutes! > 0 ? `${minutes}m` : `${seconds}s`;
}
