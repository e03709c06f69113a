/**
 * Which handshakes may begin while many are under way. Those that have begun are never given up for others: new
 * ones are turned away, of the worst score first. Below half of a limit everybody gets in; from there on up to
 * the limit itself the better ones alone, in a straight line to the best score.
 */
import type { Inflight } from '../limit/inflight.ts';
import type { Policy } from '../pdl/ir.ts';

const FREE = 0.5;

/** Handshakes that may be under way for a client to get in. @param badness Its score from 0, best, to 1, worst. */
export function roomFor(limit: number, badness: number): number {
  return Math.max(1, Math.ceil(limit * (1 - (1 - FREE) * badness)));
}

/**
 * Lets a handshake begin, which is then counted until `Inflight.leave`: null. Else why not, in a sentence.
 * @param overall Most handshakes of the process.
 */
export function admit(inflight: Inflight, policy: Policy, overall: number, badness: number): string | null {
  const own = policy.handshake.maxInflight ?? Number.POSITIVE_INFINITY;
  const full = inflight.enter(policy.name, roomFor(overall, badness), roomFor(own, badness));
  if (full === null) return null;
  const limit = full === 'own' ? `\`max_inflight\` of policy ${policy.name}` : '`limits.handshakes`';
  return `${limit} leaves no room for a client of this score`;
}
