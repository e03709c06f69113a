/** What a policy image's tests read: facts, rates of counters and draws of canaries. */
import type { Counter, KeyPart, Operand, Phase, Program } from '../pdl/ir.ts';
import { FACTS } from '../pdl/registry/facts.gen.ts';
import * as L from './layout.gen.ts';
import { atMost } from './limits.ts';
import { listedRates } from './listed.ts';
import { mapNumbers } from './maps.ts';

const PHASES: readonly Phase[] = ['connect', 'hello', 'cert', 'request'];

/** Parts of the index of a look-up: the fact, the map, and whether texts are host names. */
const MAP_SHIFT = 8;
const HOSTS_SHIFT = 16;

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
    const { lookup, of } = operand;
    const map = mapNumbers(program).get(lookup);
    if (map === undefined) throw new RangeError(`no map ${lookup}`);
    const isHost = program.feeds[lookup]!.type === 'host' ? 1 : 0;
    const index = of | (map << MAP_SHIFT) | (isHost << HOSTS_SHIFT);
    return { kind: L.OPERAND_LOOKUP, index, phase: PHASES.indexOf(FACTS[of]!.phase) };
  }
  if ('listed' in operand) {
    const rates = listedRates(program);
    atMost('counters and DNS lists', program.counters.length + rates.size, L.MAX_COUNTERS);
    return { kind: L.OPERAND_COUNTER, index: rates.get(operand.listed)!, phase: L.PHASE_CONNECT };
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
