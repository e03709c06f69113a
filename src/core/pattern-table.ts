/** Automata of patterns as the decision core steps through them; assembly/patterns.ts tells the form. */
import type { Automaton } from '../pdl/pattern/automaton.ts';
import * as L from './layout.gen.ts';

/** A `PATTERN` structure, then the next states. */
export function encodeAutomaton(automaton: Automaton): Uint8Array {
  const { classes, classCount, next, start, firstAccepting, stateCount } = automaton;
  const bytes = new Uint8Array(L.PATTERN_BYTES + next.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(L.PATTERN_STATES_AT, stateCount, true);
  view.setUint32(L.PATTERN_CLASSES_AT, classCount, true);
  view.setUint32(L.PATTERN_START_AT, start, true);
  view.setUint32(L.PATTERN_FIRST_ACCEPTING_AT, firstAccepting, true);
  bytes.set(classes, L.PATTERN_CLASS_OF_AT);
  bytes.set(new Uint8Array(next.buffer), L.PATTERN_BYTES);
  return bytes;
}
