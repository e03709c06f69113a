import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIp, parseIp } from '../../src/orchestrator/ip.ts';

for (const text of ['203.0.113.7', '2001:db8::1', '::', '::1']) {
  test(`${text} keeps its text through 16 bytes`, () => {
    const parsed = parseIp(text)!;
    assert.equal(parsed.ip.length, 16);
    assert.equal(formatIp(parsed.ip, parsed.isV4), text);
  });
}

test('a mapped IPv4 address is the IPv4 address', () => {
  const parsed = parseIp('::ffff:203.0.113.7')!;
  assert.equal(parsed.isV4, true);
  assert.equal(formatIp(parsed.ip, true), '203.0.113.7');
});

test('text that is no address is null', () => {
  for (const text of ['', 'localhost', '1.2.3.4.5', '203.0.113.0/24', ':::', '1.2.3', '0x7f.1', '017.0.0.1'])
    assert.equal(parseIp(text), null);
});
