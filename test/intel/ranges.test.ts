import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isInRanges, rangesOf } from '../../src/intel/ranges.ts';
import { inPrefix, parseIp, parsePrefix } from '../../src/pdl/ip.ts';

function has(members: readonly string[], address: string): boolean {
  return isInRanges(rangesOf(members), parseIp(address)!);
}

test('addresses of both families are found from the first to the last of a range', () => {
  const members = ['66.249.64.0/27', '192.178.5.0/27', '2001:4860:4801:10::/64', 'oops'];
  for (const address of ['66.249.64.0', '66.249.64.31', '192.178.5.9', '2001:4860:4801:10:ffff::']) {
    assert.ok(has(members, address), address);
  }
  for (const address of ['66.249.63.255', '66.249.64.32', '2001:4860:4801:11::', '::', '255.255.255.255']) {
    assert.ok(!has(members, address), address);
  }
  assert.ok(!has([], '66.249.64.0'));
});

test('what nests and repeats counts as a test of each prefix would', () => {
  const prefix = fc
    .tuple(fc.nat(3), fc.nat(255), fc.integer({ min: 8, max: 32 }))
    .map(([a, b, bits]) => `${10 + a}.${b}.${b}.${a}/${bits}`);
  const address = fc.tuple(fc.nat(3), fc.nat(255)).map(([a, b]) => `${10 + a}.${b}.${b}.${a + 1}`);
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 20 }), address, (members, text) => {
      const expected = members.some((each) => inPrefix(parseIp(text)!, parsePrefix(each)!));
      assert.equal(has(members, text), expected);
    }),
  );
});
