/** The stream of decisions of a CrowdSec local API: all of them at first, then what is new and what is gone. */
import { FeedFormatError } from './content.ts';
import { goDuration } from './json.ts';
import { checkText, textOf } from './text.ts';

interface Decision {
  readonly scope: string;
  readonly value: string;
  readonly type: string;
  /** ISO 8601; absent: it does not end by itself. */
  readonly until?: string;
  readonly simulated?: boolean;
}

interface Stream {
  readonly new: readonly Decision[];
  readonly deleted: readonly Decision[];
}

/** A decision is replaced by one of the same kind about the same value. */
function keyOf({ scope, value, type }: Decision): string {
  return `${scope.toLowerCase()}\0${value}\0${type}`;
}

/**
 * The stream so far with an answer of the API applied to it: durations become dates, and what has ended is left out.
 * @param before The copy that the answer goes on from; null when it holds every decision.
 * @returns Null when the answer changes nothing.
 * @throws FeedFormatError when the answer is no stream.
 */
export function applyDecisions(
  before: Uint8Array | null,
  answer: Uint8Array,
  nowMs: number,
): Uint8Array | null {
  const { new: added, deleted } = readStream(answer, nowMs);
  if (before !== null && added.length === 0 && deleted.length === 0) return null;
  const inForce = new Map<string, Decision>();
  if (before !== null) for (const each of readStream(before, nowMs).new) inForce.set(keyOf(each), each);
  for (const each of deleted) inForce.delete(keyOf(each));
  for (const each of added) inForce.set(keyOf(each), each);
  const lasting = [...inForce.values()].filter(
    ({ until }) => until === undefined || Date.parse(until) > nowMs,
  );
  return Buffer.from(JSON.stringify({ new: lasting, deleted: null }));
}

function readStream(bytes: Uint8Array, nowMs: number): Stream {
  let root: unknown;
  try {
    checkText(bytes);
    root = JSON.parse(textOf(bytes));
  } catch (error) {
    if (error instanceof FeedFormatError) throw error;
    throw new FeedFormatError('this is not JSON');
  }
  const isStream = typeof root === 'object' && root !== null && ('new' in root || 'deleted' in root);
  if (!isStream) throw new FeedFormatError('this is no CrowdSec stream: no `new` and no `deleted`');
  const { new: added, deleted } = root as Record<string, unknown>;
  return { new: listOf(added, nowMs), deleted: listOf(deleted, nowMs) };
}

function listOf(list: unknown, nowMs: number): Decision[] {
  if (list === null || list === undefined) return [];
  if (!Array.isArray(list)) throw new FeedFormatError('decisions that are no list');
  return list.map((each: Record<string, unknown> | null) => {
    const { scope, value, type, until, duration, simulated } = each ?? {};
    if (typeof scope !== 'string' || typeof value !== 'string') {
      throw new FeedFormatError('a decision without scope and value');
    }
    const lasts = goDuration(String(duration ?? ''));
    const end =
      typeof until === 'string'
        ? until
        : Number.isNaN(lasts)
          ? undefined
          : new Date(nowMs + lasts).toISOString();
    return {
      scope,
      value,
      type: String(type ?? 'ban'),
      ...(end === undefined ? {} : { until: end }),
      ...(simulated === true ? { simulated } : {}),
    };
  });
}
