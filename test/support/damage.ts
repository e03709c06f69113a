/** Damage to bytes, for property tests of whatever reads them. */
import fc from 'fast-check';

export interface Change {
  readonly at: number;
  readonly byte: number;
  readonly kind: 'set' | 'cut' | 'insert' | 'repeat' | 'end';
}

export const damage: fc.Arbitrary<readonly Change[]> = fc.array(
  fc.record({
    at: fc.nat(),
    byte: fc.nat(255),
    kind: fc.constantFrom('set', 'cut', 'insert', 'repeat', 'end'),
  }),
  { minLength: 1, maxLength: 6 },
);

/** `source` after the changes, one after the other. */
export function damaged(source: Uint8Array, changes: readonly Change[]): Uint8Array {
  let bytes = [...source];
  for (const { at, byte, kind } of changes) {
    const place = at % Math.max(1, bytes.length);
    if (kind === 'set') bytes[place] = byte;
    else if (kind === 'insert') bytes.splice(place, 0, byte);
    else if (kind === 'cut') bytes.splice(place, 1 + (byte >> 3));
    else if (kind === 'end') bytes = bytes.slice(0, place);
    else bytes.splice(place, 0, ...bytes.slice(place, place + (byte >> 2)));
  }
  return Uint8Array.from(bytes);
}
