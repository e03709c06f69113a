/** Numbers with units, turned into the integers that the engine compares. */

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  y: 365 * 86_400_000,
};
const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1_048_576 };
const MILLION = 1_000_000;

function split(text: string): { count: number; unit: string } {
  const [, digits, unit] = /^([\d_]+)(.*)$/.exec(text)!;
  return { count: integerOf(digits!), unit: unit! };
}

/** `-1_000` → -1000. */
export function integerOf(text: string): number {
  return Number.parseInt(text.replaceAll('_', ''), 10);
}

/** `15m` → milliseconds. */
export function millisecondsOf(text: string): number {
  const { count, unit } = split(text);
  return count * MILLISECONDS[unit]!;
}

/** `600/10m` → 600 tokens every 600,000 ms. */
export function tokensOf(text: string): { tokens: number; perMs: number } {
  const [count, per] = text.split('/');
  const period = /^\d/.test(per!) ? per! : `1${per}`;
  return { tokens: integerOf(count!), perMs: millisecondsOf(period) };
}

/** `20/s` → events per second × 1,000,000, rounded down. */
export function rateOf(text: string): number {
  const { tokens, perMs } = tokensOf(text);
  return perMs === 0 ? Number.MAX_SAFE_INTEGER : Math.floor((tokens * 1000 * MILLION) / perMs);
}

/** `16KiB` → bytes. */
export function bytesOf(text: string): number {
  const { count, unit } = split(text);
  return count * BYTES[unit]!;
}

/** `2.5%` → percents × 10,000. */
export function percentOf(text: string): number {
  return Math.round(Number.parseFloat(text) * 10_000);
}

/** A date (midnight UTC) or a time → milliseconds since the epoch; NaN when the calendar has no such day. */
export function timeOf(text: string): number {
  const full = text.includes('T') ? text : `${text}T00:00:00Z`;
  const time = Date.parse(full);
  // why: Date.parse rolls 31 February over to March.
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text.slice(0, 10)
    ? Number.NaN
    : time;
}

/** `tls1.2` → 0x0303. */
export function tlsVersionOf(text: string): number {
  return 0x0301 + Number(text.at(-1));
}
