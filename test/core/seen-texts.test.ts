import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CoreMemory } from '../../src/core/memory.ts';
import { instantiateCore, loadCoreModule } from '../../src/core/module.ts';
import { SeenTexts } from '../../src/core/seen-texts.ts';

const memory = new CoreMemory(instantiateCore(loadCoreModule()));
const AT = memory.bytes.length - 4_096;

/** The text as it is read after it was written at `offset`, with other bytes behind it. */
function readBack(texts: SeenTexts, bytes: Uint8Array, offset: number): string {
  memory.bytes.fill(offset * 37 + bytes.length, AT, AT + 512);
  memory.bytes.set(bytes, AT + offset);
  return texts.latin1(AT + offset, bytes.length);
}

test('a text that was seen before is what its bytes say, whatever fell on its place meanwhile', () => {
  // Two places: nearly every text meets another one.
  const texts = new SeenTexts(memory, 1);
  const known: Uint8Array[] = [];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat({ max: 7 }), fc.nat(), (bytes, offset, which) => {
      known.push(bytes);
      const again = known[which % known.length]!;
      for (const each of [bytes, again, bytes]) {
        assert.equal(readBack(texts, each, offset), Buffer.from(each).toString('latin1'));
      }
    }),
    { numRuns: 1_000 },
  );
});

test('texts that differ in one byte only, or in their length only, are told apart', () => {
  const texts = new SeenTexts(memory, 1);
  const text = Buffer.from('t13d1516h2_8daaf6152771_02713d6af862');
  for (let at = 0; at < text.length; at++) {
    const other = Buffer.from(text);
    other[at]! ^= 1;
    for (const each of [text, other, text.subarray(0, at), text]) {
      assert.equal(readBack(texts, each, 0), each.toString('latin1'));
    }
  }
});
