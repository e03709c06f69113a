import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeFeed } from '../../src/intel/guards.ts';
import { makeFeed, prefixLines } from './support.ts';

const GOOD = prefixLines(100);

function reasonFor(content: string | Uint8Array, before: number | null = 100): string | null {
  const judged = judgeFeed({
    feed: makeFeed({ maxEntries: 5_000 }),
    bytes: typeof content === 'string' ? Buffer.from(content) : content,
    options: {},
    own: ['198.51.100.0/24'],
    before,
    fetchedMs: Date.now(),
  });
  return judged.ok ? null : judged.reason;
}

test('an ordinary list passes, with up to one bad line in a hundred', () => {
  assert.equal(reasonFor(GOOD), null);
  assert.equal(reasonFor(`${GOOD}oops\n`), null);
  assert.match(reasonFor(`${GOOD}oops\noops\n`)!, /2 of 102 members are not of type cidr: "oops"/);
});

for (const [what, line, reason] of [
  ['the whole of IPv4', '0.0.0.0/0', /very large part/],
  ['the whole of IPv6', '::/0', /very large part/],
  ['a /7', '44.0.0.0/7', /very large part/],
  ['an IPv6 /18', '2a00::/18', /very large part/],
  ['a private network', '10.1.2.0/24', /private network/],
  ['loopback', '127.0.0.1', /private network/],
  ['the unspecified address', '0.0.0.0', /private network/],
  ['unique local addresses', 'fd00::1', /private network/],
  ['an own address', '198.51.100.7', /of your own/],
  ['a prefix around the own ones', '198.51.0.0/16', /of your own/],
] as const) {
  test(`a list that holds ${what} is refused`, () => {
    assert.match(reasonFor(`${GOOD}${line}\n`)!, reason);
  });
}

test('the longest prefixes that are not too wide pass', () => {
  assert.equal(reasonFor(`${GOOD}44.0.0.0/8\n2a00::/19\n`), null);
});

test('tenfold growth and half the size are refused where there is a copy to compare with', () => {
  assert.match(reasonFor(prefixLines(1_000))!, /grew from 100 to 1000/);
  assert.equal(reasonFor(prefixLines(999)), null);
  assert.match(reasonFor(prefixLines(50))!, /shrank from 100 to 50/);
  assert.equal(reasonFor(prefixLines(51)), null);
  assert.equal(reasonFor(prefixLines(1_000), null), null);
  assert.equal(reasonFor(prefixLines(100), 5), null);
});

test('pages for people, binary and too many members are refused', () => {
  assert.match(reasonFor('<!DOCTYPE html><html><body>45.1.1.1</body></html>')!, /web page/);
  assert.match(reasonFor(Uint8Array.of(0x1f, 0x8b, 8, 0, 0xff, 0xfe))!, /binary/);
  assert.match(reasonFor(`${GOOD}\u0000`)!, /binary/);
  assert.match(reasonFor(prefixLines(5_001), null)!, /at most 5000/);
});
