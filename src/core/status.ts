/** Names of the decision core's statuses. */
import { CATEGORY_VIOLATION, STATUSES } from './layout.gen.ts';

/** `complete` for 0, `need_more` for 1, otherwise the failure's name, as `hello_truncated`. */
export function statusName(status: number): string {
  if (status === 0) return 'complete';
  if (status === 1) return 'need_more';
  return STATUSES.get(status)?.name ?? `status_${status}`;
}

/** What a status means, in one line. */
export function statusMeaning(status: number): string {
  if (status === 0) return 'the ClientHello is complete';
  if (status === 1) return 'the ClientHello is not complete';
  return STATUSES.get(status)?.meaning ?? 'not a status of this ABI';
}

/** Broken rules of the protocol: the message could be read, and its fingerprints are known. */
export function isViolation(status: number): boolean {
  return status < 0 && -status >> 16 === CATEGORY_VIOLATION;
}
