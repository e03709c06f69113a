/** What the decision core knows of the connection it was last asked about, by the names of the facts. */
import type { Core } from '../core/core.ts';
import type { FactSlot } from '../core/fact-slots.ts';
import { FACTS } from '../pdl/registry/facts.gen.ts';
import type { FactValue } from '../pdl/testing/compile-test.ts';
import { formatIp } from './ip.ts';

/** Every fact with a value, in the order of the registry and in the engine's units. */
export function knownFacts(core: Core): Readonly<Record<string, FactValue>> {
  const known: Record<string, FactValue> = {};
  FACTS.forEach(({ name, type }, index) => {
    const slot = core.readFact(index);
    if (slot !== null) known[name] = type === 'bool' ? slot === 1 : plain(slot);
  });
  return known;
}

function plain(slot: FactSlot): FactValue {
  if (!(slot instanceof Uint8Array)) return slot;
  const ip = new Uint8Array(16);
  ip.set(slot, 16 - slot.length);
  return formatIp(ip, slot.length === 4);
}
