/** Captures written anew: the same IP packets in fragments, or under other link layers. */
import { CaptureReader } from '../../src/pcap/container.ts';
import { packetAt } from '../../src/pcap/link.ts';
import { fragmentsOf, frame, LINK, pcapFile } from './pcap-writer.ts';

export interface Rewrite {
  readonly link: number;
  /** The frames in place of one IP packet; `id` differs from packet to packet. */
  readonly frames: (packet: Buffer, id: number) => readonly Buffer[];
}

const MPLS = Buffer.from('000100400001114000', 'hex').subarray(0, 8);
const ethernet = (type: string, between: Buffer, packet: Buffer): Buffer =>
  Buffer.concat([Buffer.alloc(12, 2), Buffer.from(type, 'hex'), between, packet]);

function pppoe(packet: Buffer): Buffer {
  const header = Buffer.from('110000010000', 'hex');
  header.writeUInt16BE(packet.length + 2, 4);
  return Buffer.concat([header, Buffer.from(packet[0]! >> 4 === 6 ? '0057' : '0021', 'hex')]);
}

/** Packets that may be fragmented by whoever sends them are, where they have a payload worth it. */
function inFragments(packet: Buffer, id: number, size: number): readonly Buffer[] {
  const isV4 = packet[0]! >> 4 === 4;
  const total = isV4 ? packet.readUInt16BE(2) : 40 + packet.readUInt16BE(4);
  const isWhole =
    total > 40 && total <= packet.length && (!isV4 || (packet.readUInt16BE(6) & 0x3fff & ~0x4000) === 0);
  if (!isWhole || (!isV4 && packet[6] !== 6)) return [packet];
  return fragmentsOf(packet, size, id);
}

export const REWRITES: Readonly<Record<string, Rewrite>> = {
  'in fragments of 64 bytes': {
    link: LINK.raw,
    frames: (packet, id) => inFragments(packet, id, 64),
  },
  'in fragments of 512 bytes that come in turns, last first': {
    link: LINK.ethernet,
    frames: (packet, id) =>
      inFragments(packet, id, 512)
        .map((part) => frame(LINK.ethernet, part))
        .reverse(),
  },
  'under a VLAN tag': { link: LINK.ethernet, frames: (packet) => [frame(LINK.ethernet, packet, [0x8100])] },
  'under QinQ': { link: LINK.ethernet, frames: (packet) => [frame(LINK.ethernet, packet, [0x88a8, 0x8100])] },
  'under QinQ, in fragments': {
    link: LINK.ethernet,
    frames: (packet, id) =>
      inFragments(packet, id, 256).map((part) => frame(LINK.ethernet, part, [0x88a8, 0x8100])),
  },
  'as raw IP': { link: LINK.raw, frames: (packet) => [packet] },
  'in PPPoE': { link: LINK.ethernet, frames: (packet) => [ethernet('8864', pppoe(packet), packet)] },
  'under MPLS labels': { link: LINK.ethernet, frames: (packet) => [ethernet('8847', MPLS, packet)] },
  'cooked (SLL)': { link: LINK.sll, frames: (packet) => [frame(LINK.sll, packet)] },
  'cooked (SLL2)': { link: LINK.sll2, frames: (packet) => [frame(LINK.sll2, packet)] },
  'on the loopback of BSD': { link: LINK.null, frames: (packet) => [frame(LINK.null, packet)] },
};

/** A pcap file of the IP packets of a capture; frames without one are left out. */
export function rewrite(capture: Uint8Array, { link, frames }: Rewrite): Buffer {
  const written: Buffer[] = [];
  const reader = new CaptureReader();
  let id = 0;
  reader.push(capture, ({ linkType, data }) => {
    const at = packetAt(linkType, data);
    if (typeof at === 'number') written.push(...frames(Buffer.from(data.subarray(at)), id++ & 0xffff));
  });
  return pcapFile(written, { link });
}
