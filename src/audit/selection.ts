/** Which connections are audited, by what their policy says to `log`. One that was turned away always is. */
import type { ConnectionRecord, Outcome } from './record.ts';

const TURNED_AWAY: ReadonlySet<Outcome> = new Set([
  'refused',
  'reset',
  'dropped',
  'tarpitted',
  'limited',
  'hello_too_large',
  'over_capacity',
]);

/** Digits of the id that are drawn from: a connection is in the sample or not wherever its id is looked at. */
const DRAW_DIGITS = 8;

/** From 0 to 1, by the random id. */
function drawOf(id: string): number {
  return Number.parseInt(id.slice(0, DRAW_DIGITS), 16) / 16 ** DRAW_DIGITS;
}

export function isAudited(record: ConnectionRecord): boolean {
  const { log, outcome, action, challenge } = record;
  if (log === null || log.mode === 'all') return true;
  if (TURNED_AWAY.has(outcome) || (action !== null && action !== 'accept')) return true;
  if (log.mode === 'none') return false;
  if (outcome !== 'served' || challenge?.outcome === 'failed') return true;
  return log.mode === 'sampled' && drawOf(record.id) < log.percent / 100;
}
