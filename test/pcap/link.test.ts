import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packetAt } from '../../src/pcap/link.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const ETHERNET = '020202020202 040404040404';
/** As far as a link layer tells. */
const IP = '45000028';

const READ: readonly (readonly [what: string, link: number, before: string])[] = [
  ['Ethernet', 1, `${ETHERNET} 0800`],
  ['Ethernet with a VLAN tag', 1, `${ETHERNET} 8100 0064 0800`],
  ['Ethernet with QinQ', 1, `${ETHERNET} 88a8 0064 8100 0065 86dd`],
  ['Ethernet with PPPoE', 1, `${ETHERNET} 8864 110000010030 0021`],
  ['Ethernet with a VLAN tag and PPPoE', 1, `${ETHERNET} 8100 0064 8864 110000010030 0057`],
  ['Ethernet with MPLS', 1, `${ETHERNET} 8847 00010040 00011140`],
  ['IEEE 802.3 with LLC and SNAP', 1, `${ETHERNET} 0030 aaaa03000000 0800`],
  ['PPP', 9, '0021'],
  ['PPP in HDLC framing', 50, 'ff03 0057'],
  ['PPP with a compressed protocol field', 9, '21'],
  ['PPPoE', 51, '110000010030 0021'],
  ['Cisco HDLC', 104, '0f00 0800'],
  ['raw IP', 101, ''],
  ['raw IP of BSD', 12, ''],
  ['IPv4 alone', 228, ''],
  ['IPv6 alone', 229, ''],
  ['loopback of BSD', 0, '02000000'],
  ['loopback of OpenBSD', 108, '00000002'],
  ['cooked, of Linux', 113, '0000 0001 0006 020202020202 0000 0800'],
  ['cooked, of Linux, with a VLAN tag', 113, '0000 0001 0006 020202020202 0000 8100 0064 0800'],
  ['cooked 2, of Linux', 276, '86dd 0000 00000002 0001 00 06 0202020202020000'],
  ['cooked 2, of Linux, with a VLAN tag', 276, '8100 0000 00000002 0001 00 06 0202020202020000 0064 0800'],
];

for (const [what, link, before] of READ) {
  test(`the IP packet is found: ${what}`, () => {
    const head = hex(before);
    assert.equal(packetAt(link, Buffer.concat([head, hex(IP)])), head.length);
  });
}

const OTHER: readonly (readonly [what: string, link: number, frame: string, answer: string])[] = [
  ['ARP', 1, `${ETHERNET} 0806 0001`, 'not_ip'],
  ['ARP behind a VLAN tag', 1, `${ETHERNET} 8100 0064 0806 0001`, 'not_ip'],
  ['PPPoE that negotiates (LCP)', 1, `${ETHERNET} 8864 110000010030 c021 45000028`, 'not_ip'],
  ['LLC without SNAP', 1, `${ETHERNET} 0030 424203000000 0800`, 'not_ip'],
  ['tags without an end', 1, ETHERNET + '81000064'.repeat(20), 'not_ip'],
  ['labels without an end', 1, `${ETHERNET}8847${'00010040'.repeat(20)}`, 'not_ip'],
  ['half a tag', 1, `${ETHERNET} 8100 00`, 'short'],
  ['half an Ethernet header', 1, '0202', 'short'],
  ['half a cooked header', 276, '0800 0000', 'short'],
  ['a Bluetooth frame', 201, '0800', 'link'],
];

for (const [what, link, bytes, answer] of OTHER) {
  test(`there is no IP packet: ${what}`, () => {
    assert.equal(packetAt(link, hex(bytes)), answer);
  });
}

test('whatever the frame, the answer lies in it or says why not', () => {
  const links = fc.constantFrom(0, 1, 9, 50, 51, 101, 104, 108, 113, 276);
  const types = fc.constantFrom('0800', '8100', '88a8', '8864', '8847', '0030', '0021', 'aaaa', 'ffff');
  fc.assert(
    fc.property(
      links,
      fc.nat(20),
      fc.array(types, { maxLength: 30 }),
      fc.uint8Array({ maxLength: 9 }),
      (link, pad, path, end) => {
        const frame = Buffer.concat([Buffer.alloc(pad), hex(path.join('')), end]);
        const at = packetAt(link, frame);
        assert.ok(typeof at === 'string' || at <= frame.length);
      },
    ),
  );
});
