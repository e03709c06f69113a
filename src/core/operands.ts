/** What a policy image's tests read: facts, rates of counters and draws of canaries. */
import type { Counter, KeyPart, Operand, Phase, Program } from '../pdl/ir.ts';
import { FACTS } from '../pdl/registry/facts.gen.ts';
import * as L from './layout.gen.ts';
import { atMost } from './limits.ts';

const PHASES: readonly Phase[] = ['connect', 'hello', 'cert', 'request'];

export interface EncodedOperand {
  /** `OPERAND_…` */
  readonly kind: number;
  readonly index: number;
  /** The phase in which it is known. */
  readonly phase: number;
}

/** @throws RangeError when the program has no such thing, or more counters than the core has room for. */
export function encodeOperand(program: Program, operand: Operand): EncodedOperand {
  if ('fact' in operand) {
    const fact = FACTS[operand.fact];
    if (!fact) throw new RangeError(`no fact ${operand.fact}`);
    return { kind: L.OPERAND_FACT, index: operand.fact, phase: PHASES.indexOf(fact.phase) };
  }
  if ('canary' in operand) {
    const canary = program.canaries[operand.canary];
    if (!canary) throw new RangeError(`no canary ${operand.canary}`);
    return { kind: L.OPERAND_CANARY, index: operand.canary, phase: keyPhase(canary.key) };
  }
  if ('lookup' in operand) {
    // why: the core has no maps; the rate of a counter that is not there is unknown, as the map's answer is.
    atMost('counters beside maps', program.counters.length, L.MAX_COUNTERS - 1);
    const phase = PHASES.indexOf(FACTS[operand.of]!.phase);
    return { kind: L.OPERAND_COUNTER, index: L.MAX_COUNTERS - 1, phase };
  }
  const counter = program.counters[operand.counter];
  if (!counter) throw new RangeError(`no counter ${operand.counter}`);
  return { kind: L.OPERAND_COUNTER, index: operand.counter, phase: counterPhase(counter) };
}

/** The phase in which every part of a key is known. */
function keyPhase(key: readonly KeyPart[]): number {
  return Math.max(L.PHASE_CONNECT, ...key.map((part) => PHASES.indexOf(FACTS[part.fact]!.phase)));
}

/** A rate is known once its event and its key have been seen. */
function counterPhase(counter: Counter): number {
  return Math.max(L.PHASE_HELLO, keyPhase(counter.key));
}
