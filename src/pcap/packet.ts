/** From a captured frame to the TCP segment in it: IPv4 and IPv6, fragments, extension headers, IP in IP. */

import type { Packet } from './container.ts';
import type { Fragments } from './fragments.ts';
import { type NoPacket, packetAt } from './link.ts';

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

/** Why there is no segment in a frame; `fragment`: others of its packet are still to come, or the packet was refused. */
export type NoSegment = NoPacket | 'not_tcp' | 'fragment' | 'short';

const PROTOCOL = { ipv4: 4, tcp: 6, ipv6: 41 } as const;
/** IPv6 extension headers: hop-by-hop, routing, fragment, authentication, destination options. */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 44, 51, 60]);
const FRAGMENT = 44;
/** In the fields that say where a fragment belongs: in units of eight bytes, and in bytes. */
const MORE_V4 = 0x2000;
const OFFSET_V4 = 0x1fff;
const MORE_V6 = 0x0001;
const OFFSET_V6 = 0xfff8;
/** The length fields have 16 bits. */
const MAX_PACKET = 65_535;
const AUTHENTICATION = 51;
const MAX_EXTENSIONS = 8;
/** IP packets in each other, and packets joined of fragments in them. */
const MAX_NESTING = 3;
const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** Where packets come from, and when. */
interface Moment {
  readonly fragments: Fragments;
  readonly timeMs: number;
}

/** @param fragments Those of frames before this one. */
export function segmentOf({ linkType, timeMs, data }: Packet, fragments: Fragments): Segment | NoSegment {
  const at = packetAt(linkType, data);
  if (typeof at === 'string') return at;
  // why: `slice` of a Buffer would not copy, and keep whatever was read from the file at once.
  const packet = new Uint8Array(data.buffer, data.byteOffset + at, data.length - at);
  return fromIp(packet, 0, { fragments, timeMs });
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
const u32 = (bytes: Uint8Array, at: number): number => u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2);

function fromIp(packet: Uint8Array, nesting: number, moment: Moment): Segment | NoSegment {
  if (nesting > MAX_NESTING) return 'not_tcp';
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4) return fromV4(packet, nesting, moment);
  return version === 6 ? fromV6(packet, nesting, moment) : 'not_tcp';
}

function fromV4(packet: Uint8Array, nesting: number, moment: Moment): Segment | NoSegment {
  const header = (packet[0]! & 0x0f) * 4;
  if (packet.length < 20 || header < 20 || packet.length < header) return 'short';
  const total = u16(packet, 2);
  const place = u16(packet, 6);
  const isFragment = (place & (MORE_V4 | OFFSET_V4)) !== 0;
  // why: what was cut off when it was captured cannot be joined.
  if (isFragment && packet.length < total) return 'short';
  // why: 0 is what a host with segmentation offload captures of itself.
  const whole = total === 0 ? packet : packet.subarray(0, Math.max(header, total));
  if (!isFragment) return fromProtocol(whole, packet[9]!, header, true, nesting, moment);
  const joined = moment.fragments.take(
    {
      // RFC 791 section 3.2: identification, addresses and protocol.
      key: `4${latin1(packet.subarray(4, 6))}${latin1(packet.subarray(12, 20))}${packet[9]}`,
      offset: (place & OFFSET_V4) * 8,
      isLast: (place & MORE_V4) === 0,
      head: whole.subarray(0, header),
      payload: whole.subarray(header),
    },
    moment.timeMs,
  );
  if (joined === null) return 'fragment';
  const { head, payload } = joined;
  const length = head.length + payload.length;
  if (length > MAX_PACKET) return 'not_tcp';
  put16(head, 2, length);
  put16(head, 6, u16(head, 6) & ~(MORE_V4 | OFFSET_V4));
  return fromProtocol(Buffer.concat([head, payload]), head[9]!, head.length, true, nesting, moment);
}

function fromV6(packet: Uint8Array, nesting: number, moment: Moment): Segment | NoSegment {
  if (packet.length < 40) return 'short';
  const length = u16(packet, 4);
  const whole = length === 0 ? packet : packet.subarray(0, 40 + length);
  let next = whole[6]!;
  let naming = 6;
  let at = 40;
  for (let count = 0; EXTENSIONS.has(next); count++) {
    if (count === MAX_EXTENSIONS || at + 8 > whole.length) return 'short';
    if (next === FRAGMENT && (u16(whole, at + 2) & (OFFSET_V6 | MORE_V6)) !== 0) {
      if (packet.length < 40 + length) return 'short';
      return fromFragmentV6(whole, naming, at, nesting, moment);
    }
    const size =
      next === FRAGMENT ? 8 : next === AUTHENTICATION ? (whole[at + 1]! + 2) * 4 : (whole[at + 1]! + 1) * 8;
    next = whole[at]!;
    naming = at;
    at += size;
  }
  return fromProtocol(whole, next, at, false, nesting, moment);
}

/** @param naming Where the header before the fragment header, at `at`, names it. */
function fromFragmentV6(
  packet: Uint8Array,
  naming: number,
  at: number,
  nesting: number,
  moment: Moment,
): Segment | NoSegment {
  const place = u16(packet, at + 2);
  // The fragment header goes; the one before it names what follows.
  const start = packet.slice(0, at);
  start[naming] = packet[at]!;
  const joined = moment.fragments.take(
    {
      // RFC 8200 section 4.5: addresses and identification.
      key: `6${latin1(packet.subarray(8, 40))}${latin1(packet.subarray(at + 4, at + 8))}`,
      offset: place & OFFSET_V6,
      isLast: (place & MORE_V6) === 0,
      head: start,
      payload: packet.subarray(at + 8),
    },
    moment.timeMs,
  );
  if (joined === null) return 'fragment';
  const { head, payload } = joined;
  const length = head.length - 40 + payload.length;
  if (length > MAX_PACKET) return 'not_tcp';
  put16(head, 4, length);
  return fromIp(Buffer.concat([head, payload]), nesting + 1, moment);
}

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}

function fromProtocol(
  packet: Uint8Array,
  protocol: number,
  at: number,
  isV4: boolean,
  nesting: number,
  moment: Moment,
): Segment | NoSegment {
  if (protocol === PROTOCOL.ipv4 || protocol === PROTOCOL.ipv6)
    return fromIp(packet.subarray(at), nesting + 1, moment);
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
