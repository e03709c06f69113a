import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { type TlsBeginning, TlsConnections } from '../../src/pcap/connections.ts';
import type { FragmentCounts } from '../../src/pcap/fragments.ts';
import { captureHello } from '../support/hello.ts';
import {
  type FragmentPlace,
  fragmentOf,
  fragmentsOf,
  ipv4Packet,
  ipv6Packet,
  LINK,
  type TcpPart,
  tcpSegment,
} from '../support/pcap-writer.ts';

const hello = await captureHello({ servername: 'shop.example' });
const core = new Core(loadCoreModule());

interface Seen {
  readonly found: readonly TlsBeginning[];
  readonly fragments: FragmentCounts;
}

/** What IP packets show that come at once, or at the times given. */
function see(packets: readonly Buffer[], times: readonly number[] = []): Seen {
  const found: TlsBeginning[] = [];
  const connections = new TlsConnections({
    parse: (bytes, length) => core.parse(bytes, 0, length, 'records', 'tls'),
    found: (beginning) => found.push({ ...beginning, hello: beginning.hello.slice() }),
  });
  packets.forEach((data, index) => {
    connections.take({ linkType: LINK.raw, timeMs: times[index] ?? 0, data });
  });
  connections.end();
  return { found, fragments: connections.counts.fragments };
}

const PART: TcpPart = { sequence: 1_000, payload: hello };
const PACKETS = [
  ['IPv4', ipv4Packet(tcpSegment(PART)), 20],
  ['IPv6', ipv6Packet(tcpSegment(PART)), 40],
] as const;
const NONE: FragmentCounts = { seen: 0, joined: 0, refused: 0, lost: 0 };

function assertWhole({ found, fragments }: Seen, seen: number): void {
  assert.deepEqual(
    found.map((each) => Buffer.from(each.hello)),
    [hello],
  );
  assert.deepEqual(fragments, { ...NONE, seen, joined: 1 });
}

for (const [version, packet, start] of PACKETS) {
  const header = packet.subarray(0, start);
  const body = packet.subarray(start);

  test(`${version}: a hello in fragments is found, in whatever order they come`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.infiniteStream(fc.nat()), (eights, random) => {
        const parts = fragmentsOf(packet, eights * 8)
          .map((part) => ({ part, key: random.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ part }) => part);
        assertWhole(see(parts), parts.length);
      }),
      { numRuns: 40 },
    );
  });

  test(`${version}: a fragment that comes twice is no overlap`, () => {
    const parts = fragmentsOf(packet, 512);
    const twice = [parts[0]!, parts[0]!, ...parts.slice(1, -1), parts[1]!, parts.at(-1)!];
    assertWhole(see(twice), twice.length);
  });

  test(`${version}: the SYN of a connection may be in fragments as well`, () => {
    const syn = tcpSegment({ sequence: 999, flags: 'S', options: Buffer.from('020405b4', 'hex') });
    const whole = version === 'IPv4' ? ipv4Packet(syn) : ipv6Packet(syn);
    const { found } = see([...fragmentsOf(whole, 8, 5), packet]);
    assert.equal(core.parseSyn(found[0]!.syn!), 0);
    assert.match(core.synText, /:1460:.*:mss:/);
  });

  test(`${version}: fragments of other packets, between other addresses, are kept apart`, () => {
    const one = fragmentsOf(packet, 600, 1);
    const other = fragmentsOf(packet, 600, 2).map((part) => {
      const copy = Buffer.from(part);
      copy[start === 20 ? 15 : 23]! ^= 0x55;
      return copy;
    });
    const mixed = one.flatMap((part, index) => [part, other[index]!]);
    const { found, fragments } = see(mixed);
    assert.equal(found.length, 2);
    assert.deepEqual(fragments, { ...NONE, seen: mixed.length, joined: 2 });
  });

  const forged = Buffer.alloc(64, 0x41);
  const place = (at: number, more = true): FragmentPlace => ({ at, more });
  const HOSTILE: readonly (readonly [what: string, evil: Buffer, refused?: number])[] = [
    ['overlap with other content', fragmentOf(header, forged, place(32))],
    ['begin where another does', fragmentOf(header, forged, place(0))],
    ['lie within another', fragmentOf(header, body.subarray(8, 16), place(8))],
    ['end in the middle of eight bytes', fragmentOf(header, Buffer.alloc(13), place(2_048))],
    ['hold nothing', fragmentOf(header, Buffer.alloc(0), place(2_048))],
    ['reach past the largest packet', fragmentOf(header, Buffer.alloc(64), place(65_504))],
    ['end the packet before what is there', fragmentOf(header, forged, place(64, false))],
  ];
  for (const [what, evil] of HOSTILE) {
    test(`${version}: a packet is refused, and stays so, whose fragments ${what}`, () => {
      const parts = fragmentsOf(packet, 256);
      const { found, fragments } = see([parts[0]!, parts[1]!, evil, ...parts.slice(2), ...parts]);
      assert.deepEqual(found, []);
      assert.deepEqual([fragments.joined, fragments.refused, fragments.lost], [0, 1, 0]);
    });
  }

  test(`${version}: two ends that differ refuse the packet`, () => {
    const parts = fragmentsOf(packet, 256);
    const end = fragmentOf(header, forged, place(8_192, false));
    assert.equal(see([end, ...parts]).fragments.refused, 1);
  });

  test(`${version}: what waits longer than a minute is given up`, () => {
    const [first, ...rest] = fragmentsOf(packet, 512);
    const late = see([first!, ...rest], [0, ...rest.map(() => 60_001)]);
    assert.deepEqual([late.found.length, late.fragments.joined, late.fragments.lost], [0, 0, 2]);
    assertWhole(see([first!, ...rest], [0, ...rest.map(() => 60_000)]), rest.length + 1);
  });

  test(`${version}: packets that wait are bounded in number and in bytes; the oldest are given up`, () => {
    const flood = Array.from({ length: 5_000 }, (_, id) => fragmentOf(header, forged, { ...place(0), id }));
    const many = see(flood);
    assert.equal(many.fragments.lost, 5_000);
    const victim = fragmentsOf(packet, 512, 60_000);
    assert.equal(see([victim[0]!, ...flood, ...victim.slice(1)]).fragments.joined, 0);
    const huge = Array.from({ length: 300 }, (_, id) =>
      fragmentOf(header, Buffer.alloc(65_000), { ...place(0), id }),
    );
    const heavy = see([victim[0]!, ...huge, ...victim.slice(1)]);
    assert.deepEqual([heavy.fragments.joined, heavy.fragments.lost], [0, 302]);
  });

  test(`${version}: a packet in more fragments than are kept is refused`, () => {
    const tiny = Array.from({ length: 1_100 }, (_, index) =>
      fragmentOf(header, Buffer.alloc(8), place(index * 8)),
    );
    assert.equal(see(tiny).fragments.refused, 1);
  });

  test(`${version}: a fragment that was cut off when it was captured joins nothing`, () => {
    const parts = fragmentsOf(packet, 512);
    const cut = [parts[0]!.subarray(0, -7), ...parts.slice(1)];
    assert.deepEqual(see(cut).fragments, { ...NONE, seen: parts.length - 1, lost: 1 });
  });

  test(`${version}: no damage to fragments makes another hello than whole packets do`, () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(damage, (changes) => {
        const parts = fragmentsOf(packet, 256).map((part) => Buffer.from(part));
        for (const [which, at, value] of changes) {
          const part = parts[which % parts.length]!;
          part[at % (start + 8)] = value;
        }
        const { found, fragments } = see(parts);
        assert.ok(found.length <= 1);
        assert.ok(fragments.joined + fragments.refused + fragments.lost <= parts.length);
      }),
      { numRuns: 200 },
    );
  });
}

test('fragments of fragments end', () => {
  const inner = fragmentOf(ipv6Packet(Buffer.alloc(0)), Buffer.alloc(8), { at: 0, more: false });
  let nested = inner;
  for (let depth = 0; depth < 200; depth++) {
    nested = fragmentOf(
      Buffer.concat([nested.subarray(0, 40)]),
      nested.subarray(40),
      depth % 2 === 0 ? { at: 0, more: false } : { at: 8, more: false, id: depth },
    );
  }
  assert.deepEqual(see([nested]).found, []);
});
