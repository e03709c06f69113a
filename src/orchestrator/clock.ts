/** `time.hour` and `time.weekday`, in UTC. */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** 1 January 1970 was a Thursday; Sunday is 0. */
const EPOCH_WEEKDAY = 4;

export function clock(nowMs: number): { readonly hour: number; readonly weekday: number } {
  return {
    hour: Math.floor(nowMs / HOUR_MS) % 24,
    weekday: (Math.floor(nowMs / DAY_MS) + EPOCH_WEEKDAY) % 7,
  };
}
