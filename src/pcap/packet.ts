/** From a captured frame to the TCP segment in it: link layers, VLAN tags, IPv4 and IPv6, IP in IP. */

/** A TCP segment. Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d. */
export interface Segment {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly isV4: boolean;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  /** The flags of the TCP header's 14th byte. */
  readonly flags: number;
  readonly payload: Uint8Array;
  /** IP and TCP headers. */
  readonly headers: Uint8Array;
}

export const FLAG = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10 } as const;

/** Why there is no segment in a frame. */
export type NoSegment = 'link' | 'not_tcp' | 'fragment' | 'short';

/** LINKTYPE_ values (https://www.tcpdump.org/linktypes.html). */
const LINK = {
  null: 0,
  ethernet: 1,
  rawBsd: 12,
  rawOpenBsd: 14,
  ppp: 9,
  raw: 101,
  loop: 108,
  sll: 113,
  ipv4: 228,
  ipv6: 229,
  sll2: 276,
} as const;
const ETHERTYPE = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  vlan: 0x8100,
  qinq: 0x88a8,
  pppoe: 0x8864,
  oldQinq: 0x9100,
} as const;
const MAX_TAGS = 4;
/** EtherType, PPPoE header (RFC 2516), PPP protocol. */
const PPPOE_AND_PPP = 2 + 6 + 2;
const PROTOCOL = { ipv4: 4, tcp: 6, ipv6: 41 } as const;
/** IPv6 extension headers: hop-by-hop, routing, fragment, authentication, destination options. */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 44, 51, 60]);
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const MAX_EXTENSIONS = 8;
/** IP packets in each other. */
const MAX_NESTING = 3;
const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** True for link types that can be read. */
export function knowsLink(linkType: number): boolean {
  return (Object.values(LINK) as number[]).includes(linkType);
}

export function segmentOf(linkType: number, frame: Uint8Array): Segment | NoSegment {
  const at = networkAt(linkType, frame);
  if (typeof at === 'string') return at;
  return fromIp(frame.subarray(at), 0);
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
const u32 = (bytes: Uint8Array, at: number): number => u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2);

/** Where the IP header begins. */
function networkAt(linkType: number, frame: Uint8Array): number | NoSegment {
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
      return frame[0] === 0xff && frame[1] === 0x03 ? 4 : 2;
    case LINK.ethernet:
      return behindTags(frame, 12);
    case LINK.sll:
      return behindTags(frame, 14);
    case LINK.sll2:
      return frame.length < 20 ? 'short' : isIp(u16(frame, 0)) ? 20 : 'not_tcp';
    default:
      return 'link';
  }
}

const isIp = (type: number): boolean => type === ETHERTYPE.ipv4 || type === ETHERTYPE.ipv6;

/** Skips VLAN tags from the first EtherType on. */
function behindTags(frame: Uint8Array, start: number): number | NoSegment {
  let at = start;
  for (let tags = 0; tags <= MAX_TAGS; tags++) {
    if (at + 2 > frame.length) return 'short';
    const type = u16(frame, at);
    if (isIp(type)) return at + 2;
    if (type === ETHERTYPE.pppoe) return at + PPPOE_AND_PPP;
    if (type !== ETHERTYPE.vlan && type !== ETHERTYPE.qinq && type !== ETHERTYPE.oldQinq) return 'not_tcp';
    at += 4;
  }
  return 'not_tcp';
}

function fromIp(packet: Uint8Array, nesting: number): Segment | NoSegment {
  if (nesting > MAX_NESTING) return 'not_tcp';
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) return fromV4(packet, nesting);
  return version === 6 ? fromV6(packet, nesting) : 'not_tcp';
}

function fromV4(packet: Uint8Array, nesting: number): Segment | NoSegment {
  const header = (packet[0]! & 0x0f) * 4;
  if (packet.length < 20 || header < 20 || packet.length < header) return 'short';
  if ((u16(packet, 6) & 0x3fff) !== 0) return 'fragment';
  const total = u16(packet, 2);
  // why: 0 is what a host with segmentation offload captures of itself.
  const whole = total === 0 ? packet : packet.subarray(0, Math.max(header, total));
  return fromProtocol(whole, packet[9]!, header, true, nesting);
}

function fromV6(packet: Uint8Array, nesting: number): Segment | NoSegment {
  if (packet.length < 40) return 'short';
  const length = u16(packet, 4);
  const whole = length === 0 ? packet : packet.subarray(0, 40 + length);
  let next = whole[6]!;
  let at = 40;
  for (let count = 0; EXTENSIONS.has(next); count++) {
    if (count === MAX_EXTENSIONS || at + 8 > whole.length) return 'short';
    if (next === FRAGMENT && (u16(whole, at + 2) & 0xfff9) !== 0) return 'fragment';
    const size =
      next === FRAGMENT ? 8 : next === AUTHENTICATION ? (whole[at + 1]! + 2) * 4 : (whole[at + 1]! + 1) * 8;
    next = whole[at]!;
    at += size;
  }
  return fromProtocol(whole, next, at, false, nesting);
}

function fromProtocol(
  packet: Uint8Array,
  protocol: number,
  at: number,
  isV4: boolean,
  nesting: number,
): Segment | NoSegment {
  if (protocol === PROTOCOL.ipv4 || protocol === PROTOCOL.ipv6)
    return fromIp(packet.subarray(at), nesting + 1);
  if (protocol !== PROTOCOL.tcp) return 'not_tcp';
  if (at + 20 > packet.length) return 'short';
  const header = (packet[at + 12]! >> 4) * 4;
  if (header < 20 || at + header > packet.length) return 'short';
  return {
    source: address(packet, isV4 ? 12 : 8, isV4),
    destination: address(packet, isV4 ? 16 : 24, isV4),
    isV4,
    sourcePort: u16(packet, at),
    destinationPort: u16(packet, at + 2),
    sequence: u32(packet, at + 4),
    flags: packet[at + 13]!,
    payload: packet.subarray(at + header),
    headers: packet.subarray(0, at + header),
  };
}

function address(packet: Uint8Array, at: number, isV4: boolean): Uint8Array {
  if (!isV4) return packet.slice(at, at + 16);
  const mapped = new Uint8Array(16);
  mapped.set(MAPPED);
  mapped.set(packet.subarray(at, at + 4), 12);
  return mapped;
}
