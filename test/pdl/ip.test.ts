import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { inPrefix, PrefixReader, parseIp, parsePrefix } from '../../src/pdl/ip.ts';

/** Parts of which both good addresses and nearly good ones come. */
const PARTS = [
  '::',
  ':',
  '.',
  '0',
  '01',
  '1',
  '255',
  '256',
  'ffff',
  'F',
  'abcde',
  '1.2.3.4',
  '2001:db8',
  'g',
  ' ',
];
const nearly = fc.oneof(
  fc.array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 12 }).map((parts) => parts.join('')),
  fc.array(fc.constantFrom(...PARTS), { minLength: 7, maxLength: 8 }).map((parts) => parts.join(':')),
  fc.ipV4(),
  fc.ipV6(),
);

/** The canonical text that the URL standard gives an IPv6 address, whose parser is another one. */
const canonical = (text: string): string => new URL(`http://[${text}]/`).hostname;

test('a text is an address where Node says so, and means the same', () => {
  let good = 0;
  fc.assert(
    fc.property(nearly, (text) => {
      const ip = parseIp(text);
      assert.equal(ip !== null, isIP(text) !== 0, text);
      if (ip === null) return;
      good++;
      if (isIP(text) === 4) return assert.equal(ip.subarray(12).join('.'), text);
      const groups = Buffer.from(ip).toString('hex').match(/..../g)!;
      assert.equal(canonical(groups.join(':')), canonical(text));
    }),
    { numRuns: 5_000 },
  );
  assert.ok(good > 500, `${good} addresses`);
});

test('a prefix has one to three digits behind its slash, no more than its address has bits', () => {
  for (const [text, bits] of [
    ['192.0.2.0/24', 120],
    ['192.0.2.1', 128],
    ['192.0.2.1/032', 128],
    ['0.0.0.0/0', 96],
    ['2001:db8::/32', 32],
    ['::/0', 0],
    ['::ffff:192.0.2.0/120', 120],
  ] as const) {
    assert.equal(parsePrefix(text)?.bits, bits, text);
  }
  for (const length of ['', ' ', '33', '129', '1e1', '0x8', '-1', '+8', '8 ', '8/8', '0008', '８']) {
    assert.equal(parsePrefix(`192.0.2.1/${length}`), null, length);
    if (length !== '33') assert.equal(parsePrefix(`2001:db8::/${length}`), null, length);
  }
});

test('a prefix that cannot be read leaves the one before it', () => {
  const reader = new PrefixReader();
  assert.ok(reader.readText('2001:db8::/32'));
  for (const text of [
    '2001:db8:::/48',
    '192.0.2.1/99',
    '192.0.2.256',
    '1:2:3:4:5:6:7:8:9',
    'x'.repeat(100),
  ]) {
    assert.ok(!reader.readText(text), text);
    assert.deepEqual([...reader.words], [0x2001_0db8, 0, 0, 0]);
    assert.equal(reader.bits, 32);
  }
});

test('an address is in the prefixes of each length that its own bits begin', () => {
  const ip = parseIp('2001:db8:1234:5678:9abc:def0:1357:9bdf')!;
  for (let bits = 0; bits <= 128; bits++) {
    assert.ok(inPrefix(ip, parsePrefix(`2001:db8:1234:5678:9abc:def0:1357:9bdf/${bits}`)!));
    if (bits === 0) continue;
    const other = ip.slice();
    other[(bits - 1) >> 3]! ^= 0x80 >> ((bits - 1) & 7);
    assert.ok(!inPrefix(other, parsePrefix(`2001:db8:1234:5678:9abc:def0:1357:9bdf/${bits}`)!));
  }
});
