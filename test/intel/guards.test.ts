import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Addresses } from '../../src/intel/coverage.ts';
import { createGoodSample, GOOD_SLOTS, GoodSample } from '../../src/intel/good-sample.ts';
import { type JudgeRequest, wordsOf } from '../../src/intel/guards.ts';
import { sha256Hex, writeState } from '../../src/intel/store.ts';
import { KeyHasher } from '../../src/limit/key.ts';
import { inPrefix, parsePrefix } from '../../src/pdl/ip.ts';
import { judge, makeFeed, makeSettings, prefixLines } from './support.ts';

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

const GOOD = prefixLines(100);

function reasonFor(content: string | Uint8Array, before: number | null = 100): string | null {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const judged = judge(bytes, { feed: makeFeed({ maxEntries: 5_000 }), before });
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

/** `count` addresses 45.`second`.x.y of clients that are served now. */
function served(count: number, second: number): Uint8Array {
  const bytes = new Uint8Array(count * 16);
  for (let i = 0; i < count; i++) {
    bytes.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 45, second, i >> 8, i & 255], i * 16);
  }
  return bytes;
}

test('a list that newly covers more than its share of the clients served now is refused, unless that is accepted', (t) => {
  const { directory } = makeSettings(t);
  const good = { addresses: served(1_000, 0), maxShare: 0.1, directory };
  const of = (count: number): Uint8Array => Buffer.from(prefixLines(count));
  const reason = (bytes: Uint8Array, given: Partial<JudgeRequest> = {}): string | null => {
    const judged = judge(bytes, { good, ...given });
    return judged.ok ? null : judged.reason;
  };
  assert.match(reason(of(4))!, /covers 1000 of 1000 clients that were served in the last hour \(100 %\)/);
  assert.equal(reason(of(4), { accepted: { size: false, coverage: true } }), null);
  assert.equal(reason(of(4), { good: null }), null);
  assert.equal(reason(Buffer.from('45.0.0.0/26\n45.0.0.64/27\n2001:db8:5::/48\n')), null, '96 of 1000');
  assert.match(reason(Buffer.from('45.0.0.0/25\n'))!, /covers 128 of 1000/);
  assert.equal(reason(of(4), { good: { ...good, addresses: served(99, 0) } }), null, 'too few to tell');
  assert.equal(reason(of(4), { good: { ...good, addresses: served(1_000, 9) } }), null, 'others');
});

test('what a list covered before does not count against it', (t) => {
  const { directory } = makeSettings(t);
  const feed = makeFeed();
  const before = Buffer.from('45.0.0.0/23\n');
  const times = { fetchedAt: 1, checkedAt: 1, etag: null, lastModified: null };
  const copy = { sha256: sha256Hex(before), bytes: before.length, entries: 1, ...times };
  writeState(directory, feed, { url: feed.path, copy, failure: null }, before);
  const good = { addresses: served(1_000, 0), maxShare: 0.1, directory };
  assert.ok(judge(Buffer.from('45.0.0.0/23\n45.0.2.0/26\n'), { feed, good }).ok, 'only 64 more');
  assert.ok(!judge(Buffer.from('45.0.0.0/22\n'), { feed, good }).ok, '488 more');
});

test('the share that a list covers agrees with testing every address by every prefix', () => {
  const octet = fc.integer({ min: 0, max: 3 });
  const address = fc.tuple(octet, octet).map(([a, b]) => Uint8Array.of(...MAPPED, 45, 0, a * 64, b * 64));
  const prefix = fc
    .tuple(octet, octet, fc.integer({ min: 8, max: 32 }))
    .map(([a, b, bits]) => `45.0.${a * 64}.${b * 64}/${bits}`);
  fc.assert(
    fc.property(fc.array(address), fc.array(prefix), (addresses, prefixes) => {
      const found = new Addresses(Buffer.concat(addresses));
      for (const each of prefixes) found.cover(wordsOf(each));
      const expected = addresses.filter((each) => prefixes.some((p) => inPrefix(each, parsePrefix(p)!)));
      assert.equal(found.covered, expected.length);
    }),
  );
});

test('the sample keeps the addresses of the last hour, and no more than it has room for', () => {
  const sample = new GoodSample(createGoodSample());
  const hasher = new KeyHasher(Buffer.alloc(16, 7));
  const note = (ip: Uint8Array, nowMs: number): void => {
    hasher.begin(0);
    hasher.ip(ip, 128);
    hasher.end();
    sample.note(ip, hasher, nowMs);
  };
  const now = 1_700_000_000_000;
  const addresses = served(20_000, 1);
  for (let at = 0; at < addresses.length; at += 16) note(addresses.subarray(at, at + 16), now);
  const kept = sample.recent(now).length / 16;
  assert.ok(kept > GOOD_SLOTS * 0.95 && kept <= GOOD_SLOTS, String(kept));
  assert.equal(sample.recent(now + 3_660_000).length, 0);
  for (let i = 0; i < 100; i++) note(addresses.subarray(0, 16), now + 3_660_000);
  assert.deepEqual(sample.recent(now + 3_660_000), addresses.slice(0, 16), 'one client is there once');
});
