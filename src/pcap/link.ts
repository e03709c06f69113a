/** From a captured frame to the IP packet in it: link layers, VLAN tags, MPLS labels, PPP and PPPoE. */

/** LINKTYPE_ values (https://www.tcpdump.org/linktypes.html). */
const LINK = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  rawBsd: 12,
  rawOpenBsd: 14,
  pppHdlc: 50,
  pppEthernet: 51,
  raw: 101,
  ciscoHdlc: 104,
  loop: 108,
  sll: 113,
  ipv4: 228,
  ipv6: 229,
  sll2: 276,
} as const;
/** IEEE 802 numbers (https://www.iana.org/assignments/ieee-802-numbers). */
const ETHERTYPE = {
  ipv4: 0x0800,
  vlan: 0x8100,
  ipv6: 0x86dd,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  pppoe: 0x8864,
  qinq: 0x88a8,
  oldQinq: 0x9100,
  olderQinq: 0x9200,
} as const;
const TAGS: ReadonlySet<number> = new Set([
  ETHERTYPE.vlan,
  ETHERTYPE.qinq,
  ETHERTYPE.oldQinq,
  ETHERTYPE.olderQinq,
]);
/** PPP protocol numbers (RFC 1661 section 2, RFC 5072). */
const PPP = { ipv4: 0x0021, ipv6: 0x0057, mpls: 0x0281 } as const;
const MAX_TAGS = 8;
const MAX_LABELS = 8;
/** A lower type is the length of an IEEE 802.3 frame, whose protocol an LLC header with SNAP names. */
const LEAST_ETHERTYPE = 0x0600;
const SNAP = [0xaa, 0xaa, 0x03, 0, 0, 0] as const;
const SLL2_HEADER = 20;
const PPPOE_HEADER = 6;

/** Why there is no IP packet in a frame; `link`: its link type cannot be read. */
export type NoPacket = 'link' | 'not_ip' | 'short';

/** Where the IP header begins in a frame. */
export function packetAt(linkType: number, frame: Uint8Array): number | NoPacket {
  const at = behindLink(linkType, frame);
  return typeof at === 'number' && at > frame.length ? 'short' : at;
}

function behindLink(linkType: number, frame: Uint8Array): number | NoPacket {
  switch (linkType) {
    case LINK.raw:
    case LINK.rawBsd:
    case LINK.rawOpenBsd:
    case LINK.ipv4:
    case LINK.ipv6:
      return 0;
    case LINK.null:
    case LINK.loop:
      return 4;
    case LINK.ppp:
    case LINK.pppHdlc:
      return behindPpp(frame, frame[0] === 0xff && frame[1] === 0x03 ? 2 : 0);
    case LINK.pppEthernet:
      return behindPpp(frame, PPPOE_HEADER);
    case LINK.ethernet:
      return behindType(frame, 12);
    case LINK.ciscoHdlc:
      return behindType(frame, 2);
    case LINK.sll:
      return behindType(frame, 14);
    case LINK.sll2:
      return frame.length < SLL2_HEADER ? 'short' : behind(frame, u16(frame, 0), SLL2_HEADER);
    default:
      return 'link';
  }
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

/** `at`: where the type of what follows it stands. */
function behindType(frame: Uint8Array, at: number): number | NoPacket {
  return at + 2 > frame.length ? 'short' : behind(frame, u16(frame, at), at + 2);
}

/** `type` names what begins at `start`. */
function behind(frame: Uint8Array, type: number, start: number): number | NoPacket {
  let at = start;
  let next = type;
  for (let tags = 0; TAGS.has(next); tags++) {
    if (tags === MAX_TAGS) return 'not_ip';
    if (at + 4 > frame.length) return 'short';
    next = u16(frame, at + 2);
    at += 4;
  }
  if (next === ETHERTYPE.ipv4 || next === ETHERTYPE.ipv6) return at;
  if (next === ETHERTYPE.pppoe) return behindPpp(frame, at + PPPOE_HEADER);
  if (next === ETHERTYPE.mpls || next === ETHERTYPE.mplsMulticast) return behindLabels(frame, at);
  if (next >= LEAST_ETHERTYPE || !SNAP.every((byte, index) => frame[at + index] === byte)) return 'not_ip';
  const named = at + SNAP.length;
  if (named + 2 > frame.length) return 'short';
  const protocol = u16(frame, named);
  return protocol === ETHERTYPE.ipv4 || protocol === ETHERTYPE.ipv6 ? named + 2 : 'not_ip';
}

/** Behind the protocol field of PPP, of one byte where it is compressed (RFC 1661 section 6.5). */
function behindPpp(frame: Uint8Array, at: number): number | NoPacket {
  if (at + 2 > frame.length) return 'short';
  const isCompressed = (frame[at]! & 1) !== 0;
  const protocol = isCompressed ? frame[at]! : u16(frame, at);
  const end = at + (isCompressed ? 1 : 2);
  if (protocol === PPP.mpls) return behindLabels(frame, end);
  return protocol === PPP.ipv4 || protocol === PPP.ipv6 ? end : 'not_ip';
}

/** Behind the label that is marked as the last (RFC 3032 section 2.1); what follows is told by its first bits. */
function behindLabels(frame: Uint8Array, start: number): number | NoPacket {
  for (let labels = 0; labels < MAX_LABELS; labels++) {
    const at = start + labels * 4;
    if (at + 4 > frame.length) return 'short';
    if ((frame[at + 2]! & 1) !== 0) return at + 4;
  }
  return 'not_ip';
}
