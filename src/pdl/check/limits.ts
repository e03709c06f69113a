/** M001 and M002: limits and rates that cannot trigger, and keys that a client makes up. */
import type { Counter, KeyPart, Limit, Program } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import type { CounterNode, LimitNode } from '../syntax/ast.ts';
import { rateText } from './scores.ts';
import { type Subject, warn } from './subject.ts';

/** Facts that a client chooses freely. */
const CHOSEN = [
  'hello.sni',
  'hello.ja3',
  'hello.ja4',
  'http.host',
  'http.path',
  'http.user_agent',
  'http.method',
];

export function checkLimits(subject: Subject): void {
  const { program } = subject;
  for (const policy of program.policies) {
    checkTogether(subject, policy.limits);
    const { maxInflight } = policy.handshake;
    for (const index of policy.limits) {
      const limit = program.limits[index]!;
      if (maxInflight !== null && limit.burst > maxInflight && limit.tokens >= maxInflight) {
        say(subject, limit, `limit \`${limit.name}\` can never trigger in policy \`${policy.name}\``, [
          `\`max_inflight ${maxInflight}\` is reached before ${limit.burst} clients are let through at once`,
        ]);
      }
    }
  }
  for (const site of program.sites) checkTogether(subject, site.limits);
  for (const limit of program.limits)
    checkKey(subject, limit.key, limit.name, subject.origins.limits.get(limit));
  for (const counter of program.counters) {
    checkKey(subject, counter.key, counter.name, subject.origins.counters.get(counter));
    checkThresholds(subject, counter);
  }
}

function say({ origins, report }: Subject, limit: Limit, message: string, notes: readonly string[]): void {
  const node = origins.limits.get(limit);
  if (!node) return;
  warn(report, 'PDL-M001', node.annotations, {
    span: node.rate.span,
    message,
    help: 'lower its rate and burst, or remove it',
    details: { notes },
  });
}

/** Of more limits in one list only the first ones are compared with each other. */
const MAX_COMPARED = 64;

/** A wider key that allows no more is always used up first. */
function checkTogether(subject: Subject, all: readonly number[]): void {
  const { program } = subject;
  const limits = all.slice(0, MAX_COMPARED);
  for (const index of limits) {
    const narrow = program.limits[index]!;
    const wide = limits
      .map((other) => program.limits[other]!)
      .find((other) => other !== narrow && contains(other.key, narrow.key) && allowsLess(other, narrow));
    if (!wide || (contains(narrow.key, wide.key) && !allowsLess(wide, narrow, true))) continue;
    say(subject, narrow, `limit \`${narrow.name}\` can never trigger beside \`${wide.name}\``, [
      `\`${wide.name}\` counts at least the same clients together, and allows no more`,
    ]);
  }
}

/** Every bucket of `wide` holds whole buckets of `narrow`. */
function contains(wide: readonly KeyPart[], narrow: readonly KeyPart[]): boolean {
  return wide.every((part) => {
    const same = narrow.find(({ fact }) => fact === part.fact);
    return same !== undefined && part.v4 <= same.v4 && part.v6 <= same.v6;
  });
}

function allowsLess(a: Limit, b: Limit, strictly = false): boolean {
  const [left, right] = [a.tokens / a.perMs, b.tokens / b.perMs];
  const less = left <= right && a.burst <= b.burst;
  return strictly ? less && (left < right || a.burst < b.burst) : less;
}

function checkKey(
  { report }: Subject,
  key: readonly KeyPart[],
  name: string,
  node: CounterNode | LimitNode | undefined,
): void {
  if (!node || !key.every(({ fact }) => CHOSEN.includes(FACTS[fact]!.name))) return;
  warn(report, 'PDL-M002', node.annotations, {
    span: node.key[0]!.fact.span,
    message: `clients choose what \`${name}\` counts them by`,
    help: 'add conn.ip or conn.asn to the key',
    details: {
      notes: ['a client that changes it with every connection is never counted twice, and fills the table'],
    },
  });
}

/** A threshold below one event in the window is passed by the first event. */
function checkThresholds({ program, origins, report }: Subject, counter: Counter): void {
  const node = origins.counters.get(counter);
  const oneEvent = Math.ceil((1000 * 1_000_000) / counter.windowMs);
  const index = program.counters.indexOf(counter);
  const tooFine = program.atoms.find(
    (atom) =>
      atom.kind === 'range' &&
      'counter' in atom.operand &&
      atom.operand.counter === index &&
      isFine(atom, oneEvent),
  );
  if (!node || tooFine?.kind !== 'range') return;
  warn(report, 'PDL-M001', node.annotations, {
    span: node.window.span,
    message: `the window of \`${counter.name}\` is too short for a rate of ${rateText(tooFine.min - 1)}`,
    help: 'widen the window, or compare with a higher rate',
    details: { notes: [`one event in ${counter.windowMs / 1000} s is already ${rateText(oneEvent)}`] },
  });
}

function isFine({ min }: Extract<Program['atoms'][number], { kind: 'range' }>, oneEvent: number): boolean {
  return min > 1 && min < oneEvent;
}
