/** Conditions of a compiled policy: what is tested, and how the answers join. */

/** Phases in order; a fact of a later phase is still pending in an earlier one. */
export type Phase = 'connect' | 'hello' | 'cert' | 'request';

/** Where a construct stands in its source: 1-based, `endColumn` exclusive. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/**
 * What an atom reads: a fact by its index in the ABI's fact table; the rate of the counter `counter` (index
 * in `Program.counters`) in events per second times 1,000,000, rounded down; or the connection's draw, 0 to
 * 999,999, of the canary `canary` (index in `Program.canaries`).
 */
export type Operand =
  | { readonly fact: number }
  | { readonly counter: number }
  | { readonly canary: number }
  /** The score that the map `lookup` (index in `Program.feeds`) gives the fact `of`; unknown when it is not in it. */
  | { readonly lookup: number; readonly of: number }
  /** 1 when the DNS list `listed` (index in `Program.feeds`) has `conn.ip`, 0 when not; unknown until it has answered. */
  | { readonly listed: number };

/**
 * One test of one operand, with three values: true, false, unknown (the fact is missing or pending).
 * - `known`: is the fact known (this one is never unknown itself, unless its phase is pending).
 * - `range`: `min <= value <= max`; booleans are 0 and 1; a list's value is its length; durations are
 *   microseconds, times milliseconds since the epoch, rates events per second × 1e6, percents × 1e4.
 * - `any` / `all`: a list of code points holds any / all of `values`; a scalar code point is one of `values`.
 * - `table`: the fact (or any member of a list) is in table `table`.
 */
export type Atom =
  | { readonly kind: 'known'; readonly operand: Operand }
  | { readonly kind: 'range'; readonly operand: Operand; readonly min: number; readonly max: number }
  | { readonly kind: 'any' | 'all'; readonly operand: Operand; readonly values: readonly number[] }
  | { readonly kind: 'table'; readonly operand: Operand; readonly table: number };

/** A conjunction: every atom of `yes` is true and every atom of `no` is definitely false. Atom indexes, sorted. */
export interface Cube {
  readonly yes: readonly number[];
  readonly no: readonly number[];
}

/** A disjunction of cubes (≤ 64); `[]` never holds, `[{yes:[],no:[]}]` always does. */
export type Condition = readonly Cube[];
