/** Figures beside the limits they are held to. */

export interface Figure {
  readonly id: string;
  readonly what: string;
  readonly value: number | string | boolean;
  readonly limit: string;
  readonly passed: boolean;
}

/** A figure that must not exceed `limit`. */
export function atMost(id: string, what: string, value: number, limit: number, unit = ''): Figure {
  return { id, what, value, limit: `≤ ${limit.toLocaleString('en')}${unit}`, passed: value <= limit };
}

/** A figure that must be exactly that. */
export function exactly(id: string, what: string, value: number | boolean, wanted: number | boolean): Figure {
  return { id, what, value, limit: wanted.toLocaleString('en'), passed: value === wanted };
}

/** The first and the last of some times, which must lie within `slack` of `wanted`. */
export function within(
  id: string,
  what: string,
  span: readonly [number, number] | null,
  wanted: number,
  slack: number,
): Figure {
  const [first, last] = span ?? [Number.NaN, Number.NaN];
  const passed = first >= wanted - slack && last <= wanted + slack;
  return { id, what, value: `${first}–${last}`, limit: `${wanted} ± ${slack}`, passed };
}
