/** Writes captures for tests: frames with TCP segments, and the files around them. */

export interface TcpPart {
  readonly from?: string;
  readonly to?: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly sequence: number;
  /** `S`, `A`, `F`, `R` in any order. */
  readonly flags?: string;
  readonly payload?: Uint8Array;
  /** TCP options, a multiple of four bytes. */
  readonly options?: Uint8Array;
}

const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, A: 16 };

const u16 = (value: number): Buffer => Buffer.from([(value >> 8) & 0xff, value & 0xff]);

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** TCP header and payload; the checksum is left zero. */
export function tcpSegment(part: TcpPart): Buffer {
  const { sourcePort = 40_000, destinationPort = 443, sequence, flags = 'A', payload, options } = part;
  const bits = [...flags].reduce((sum, flag) => sum | FLAGS[flag]!, 0);
  const offset = 5 + (options?.length ?? 0) / 4;
  return Buffer.concat([
    u16(sourcePort),
    u16(destinationPort),
    u32(sequence),
    u32(0),
    Buffer.from([offset << 4, bits]),
    u16(64_240),
    u16(0),
    u16(0),
    options ?? Buffer.alloc(0),
    payload ?? Buffer.alloc(0),
  ]);
}

export function ipv4Packet(
  body: Uint8Array,
  { from = '192.0.2.7', to = '198.51.100.1' }: { readonly from?: string; readonly to?: string } = {},
  protocol = 6,
): Buffer {
  const address = (text: string): Buffer => Buffer.from(text.split('.').map(Number));
  return Buffer.concat([
    Buffer.from([0x45, 0]),
    u16(20 + body.length),
    Buffer.from([0, 1, 0x40, 0, 64, protocol, 0, 0]),
    address(from),
    address(to),
    body,
  ]);
}

/** `extensions` come before the TCP header; each begins with a byte for the header that follows it. */
export function ipv6Packet(body: Uint8Array, first = 6, extensions: Uint8Array = Buffer.alloc(0)): Buffer {
  const address = (last: number): Buffer =>
    Buffer.from(`20010db8${'0'.repeat(22)}${last.toString(16).padStart(2, '0')}`, 'hex');
  return Buffer.concat([
    Buffer.from([0x60, 0, 0, 0]),
    u16(extensions.length + body.length),
    Buffer.from([first, 64]),
    address(7),
    address(1),
    extensions,
    body,
  ]);
}

/** A packet of either version as its fragments of `size` bytes, in their order; the IPv6 one without extension headers. */
export function fragmentsOf(packet: Buffer, size: number, id = 7): Buffer[] {
  const isV4 = packet[0]! >> 4 === 4;
  const start = isV4 ? (packet[0]! & 0x0f) * 4 : 40;
  const body = packet.subarray(start, isV4 ? packet.readUInt16BE(2) : 40 + packet.readUInt16BE(4));
  const all: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const more = at + size < body.length;
    all.push(fragmentOf(packet.subarray(0, start), body.subarray(at, at + size), { at, more, id }));
  }
  return all;
}

export interface FragmentPlace {
  /** In bytes, a multiple of eight. */
  readonly at: number;
  readonly more: boolean;
  readonly id?: number;
}

/** A fragment with the given content, whatever that makes of its packet. */
export function fragmentOf(header: Buffer, body: Uint8Array, { at, more, id = 7 }: FragmentPlace): Buffer {
  const head = Buffer.from(header);
  if (head[0]! >> 4 === 4) {
    head.writeUInt16BE(head.length + body.length, 2);
    head.writeUInt16BE(id, 4);
    head.writeUInt16BE((head.readUInt16BE(6) & 0x8000) | (more ? 0x2000 : 0) | (at >> 3), 6);
    return Buffer.concat([head, body]);
  }
  const extension = Buffer.concat([Buffer.from([head[6]!, 0]), u16(at | (more ? 1 : 0)), u32(id)]);
  head[6] = 44;
  head.writeUInt16BE(extension.length + body.length, 4);
  return Buffer.concat([head, extension, body]);
}

export const LINK = { null: 0, ethernet: 1, raw: 101, loop: 108, sll: 113, sll2: 276 } as const;

/** A frame of a link type around an IP packet; `tags`: EtherTypes of VLAN tags. */
export function frame(link: number, packet: Buffer, tags: readonly number[] = []): Buffer {
  const type = packet[0]! >> 4 === 6 ? 0x86dd : 0x0800;
  const typed = Buffer.concat([...tags.flatMap((tag) => [u16(tag), u16(100)]), u16(type)]);
  switch (link) {
    case LINK.ethernet:
      return Buffer.concat([Buffer.alloc(12, 2), typed, packet]);
    case LINK.sll:
      return Buffer.concat([Buffer.alloc(14), typed, packet]);
    case LINK.sll2:
      return Buffer.concat([u16(type), Buffer.alloc(18), packet]);
    case LINK.null:
      return Buffer.concat([Buffer.from([2, 0, 0, 0]), packet]);
    case LINK.loop:
      return Buffer.concat([Buffer.from([0, 0, 0, 2]), packet]);
    default:
      return packet;
  }
}

export interface FileOptions {
  readonly link?: number;
  readonly bigEndian?: boolean;
  /** Nanoseconds instead of microseconds. */
  readonly nano?: boolean;
}

const START_S = 1_790_000_000;

/** Numbers in the byte order of a file. */
function numbers(bigEndian: boolean): { n16(value: number): Buffer; n32(value: number): Buffer } {
  const turn = (bytes: Buffer): Buffer => (bigEndian ? bytes : bytes.reverse());
  return { n16: (value) => turn(u16(value)), n32: (value) => turn(u32(value)) };
}

/** A pcap file; frames are a millisecond apart. */
export function pcapFile(
  frames: readonly Uint8Array[],
  { link = 1, bigEndian = false, nano = false }: FileOptions = {},
): Buffer {
  const { n16, n32 } = numbers(bigEndian);
  return Buffer.concat([
    n32(nano ? 0xa1b23c4d : 0xa1b2c3d4),
    n16(2),
    n16(4),
    n32(0),
    n32(0),
    n32(262_144),
    n32(link),
    ...frames.flatMap((bytes, index) => [
      n32(START_S),
      n32(index * (nano ? 1_000_000 : 1_000)),
      n32(bytes.length),
      n32(bytes.length),
      bytes,
    ]),
  ]);
}

/** A pcapng file of one section and interface; `simple` writes Simple Packet Blocks. */
export function pcapngFile(
  frames: readonly Uint8Array[],
  {
    link = 1,
    bigEndian = false,
    nano = false,
    simple = false,
  }: FileOptions & { readonly simple?: boolean } = {},
): Buffer {
  const { n16, n32 } = numbers(bigEndian);
  const block = (type: number, ...parts: readonly Uint8Array[]): Buffer => {
    const body = Buffer.concat(parts);
    const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)]);
    return Buffer.concat([n32(type), n32(padded.length + 12), padded, n32(padded.length + 12)]);
  };
  const resolution = nano ? [n16(9), n16(1), Buffer.from([9, 0, 0, 0]), n16(0), n16(0)] : [];
  return Buffer.concat([
    block(0x0a0d0d0a, n32(0x1a2b3c4d), n16(1), n16(0), n32(0xffffffff), n32(0xffffffff)),
    block(1, n16(link), n16(0), n32(262_144), ...resolution),
    block(0xbad, n32(7)),
    ...frames.map((bytes, index) => {
      if (simple) return block(3, n32(bytes.length), bytes);
      const ticks =
        BigInt(START_S) * (nano ? 1_000_000_000n : 1_000_000n) + BigInt(index) * (nano ? 1_000_000n : 1_000n);
      const high = n32(Number(ticks >> 32n));
      return block(
        6,
        n32(0),
        high,
        n32(Number(ticks & 0xffffffffn)),
        n32(bytes.length),
        n32(bytes.length),
        bytes,
      );
    }),
  ]);
}

export const START_MS: number = START_S * 1_000;
