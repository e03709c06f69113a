import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { filterTexts, PackedTexts, readPrefixOf } from '../../src/core/packed-texts.ts';
import { PrefixReader } from '../../src/pdl/ip.ts';

test('packed texts are read as an array of the same texts is', () => {
  const text = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(fc.array(text), fc.nat({ max: 40 }), (texts, room) => {
      const packed = new PackedTexts(room, room);
      for (const each of texts) {
        if (each.length % 2 === 0) packed.add(each);
        else packed.addBytes(Buffer.from(`<${each}>`), 1, Buffer.byteLength(each) + 1);
      }
      assert.deepEqual([...packed], texts);
      assert.equal(packed.length, texts.length);
      assert.equal(packed.at(texts.length), undefined);
      assert.equal(packed.at(-1), undefined);
      const isKept = (index: number): boolean => texts[index]!.length > 3;
      assert.deepEqual([...filterTexts(packed, isKept)], filterTexts(texts, isKept));
    }),
  );
});

test('a prefix is read from packed texts as from strings', () => {
  const texts = ['192.0.2.0/24', 'nothing', '2001:db8::', '', '198.51.100.7'];
  const packed = new PackedTexts(1, 1);
  for (const each of texts) packed.add(each);
  const readers = [new PrefixReader(), new PrefixReader()] as const;
  const readable = texts.map((_, index) => {
    const [one, other] = [packed, texts].map((list, i) => readPrefixOf(list, index, readers[i]!));
    assert.equal(one, other);
    if (one) assert.deepEqual(readers[0].toBytes(), readers[1].toBytes());
    return one;
  });
  assert.deepEqual(readable, [true, false, true, false, true]);
});
