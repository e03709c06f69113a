/**
 * Packets out of capture files, piece by piece as they are read: pcap (draft-ietf-opsawg-pcap) and pcapng
 * (draft-ietf-opsawg-pcapng). Neither library of the registry for it is kept up.
 */

export interface Packet {
  /** LINKTYPE_ of the interface it was taken from. */
  readonly linkType: number;
  /** Milliseconds since the epoch; 0 where the file does not say. */
  readonly timeMs: number;
  /** As much of it as was captured. Valid until the next call of `push`. */
  readonly data: Uint8Array;
}

/** A file that cannot be read on; `at` is the offset of what is wrong. */
export class CaptureError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(`${message} (at byte ${at})`);
    this.at = at;
  }
}

/** A longer packet or block is no sound one; libpcap's own limit for packets is a quarter of it. */
const MAX_BLOCK = 1024 * 1024;

const MAGIC = { micro: 0xa1b2c3d4, nano: 0xa1b23c4d, kuznetzov: 0xa1b2cd34, section: 0x0a0d0d0a } as const;
const BYTE_ORDER = 0x1a2b3c4d;
const GZIP = 0x1f8b;
const BLOCK = { interface: 1, packet: 2, simple: 3, enhanced: 6 } as const;
const OPTION_TSRESOL = 9;
const OPTION_TSOFFSET = 14;

interface Interface {
  readonly linkType: number;
  /** Ticks in a millisecond. */
  readonly ticksPerMs: number;
  readonly offsetMs: number;
  readonly snapLength: number;
}

/** Reads the next unit of a file out of a buffer; 0: more bytes are needed. Else how many it took. */
type Step = (bytes: Buffer, emit: (packet: Packet) => void) => number;

export class CaptureReader {
  #rest: Buffer = Buffer.alloc(0);
  #at = 0;
  #step: Step = (bytes) => this.#begin(bytes);
  #view = true;
  #interfaces: Interface[] = [];

  /** Takes the next bytes of the file. @throws CaptureError */
  push(chunk: Uint8Array, emit: (packet: Packet) => void): void {
    let bytes =
      this.#rest.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const taken = this.#step(bytes, emit);
      if (taken === 0) break;
      bytes = bytes.subarray(taken);
      this.#at += taken;
    }
    // why: the chunk may be reused by whoever reads.
    this.#rest = Buffer.from(bytes);
  }

  /** The file has ended. @throws CaptureError when it did so inside of something. */
  end(): void {
    if (this.#at === 0 && this.#rest.length === 0) throw new CaptureError('the file is empty', 0);
    if (this.#at === 0) throw this.#error('the file ends before its header does');
    if (this.#rest.length > 0) throw this.#error('the file ends inside a packet: it was cut off');
  }

  #error(message: string, offset = 0): CaptureError {
    return new CaptureError(message, this.#at + offset);
  }

  #u16(bytes: Buffer, at: number): number {
    return this.#view ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
  }

  #u32(bytes: Buffer, at: number): number {
    return this.#view ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  }

  #begin(bytes: Buffer): number {
    if (bytes.length < 4) return 0;
    const first = bytes.readUInt32BE(0);
    if (first === MAGIC.section) {
      this.#step = (next, emit) => this.#block(next, emit);
      return this.#step(bytes, () => {});
    }
    if (first >>> 16 === GZIP) throw this.#error('the file is compressed with gzip: unpack it first');
    const magics: readonly number[] = [MAGIC.micro, MAGIC.nano, MAGIC.kuznetzov];
    const little = bytes.readUInt32LE(0);
    this.#view = magics.includes(little);
    if (!this.#view && !magics.includes(first)) {
      throw this.#error(
        `this is neither a pcap nor a pcapng file: it begins with ${bytes.toString('hex', 0, 4)}`,
      );
    }
    if (bytes.length < 24) return 0;
    const magic = this.#view ? little : first;
    const version = this.#u16(bytes, 4);
    if (version !== 2) throw this.#error(`pcap version ${version} is not known`, 4);
    const linkType = this.#u32(bytes, 20) & 0xffff;
    const head = magic === MAGIC.kuznetzov ? 24 : 16;
    const ticksPerMs = magic === MAGIC.nano ? 1e6 : 1e3;
    this.#step = (next, emit) => this.#record(next, emit, linkType, head, ticksPerMs);
    return 24;
  }

  #record(
    bytes: Buffer,
    emit: (packet: Packet) => void,
    linkType: number,
    head: number,
    ticksPerMs: number,
  ): number {
    if (bytes.length < head) return 0;
    const length = this.#u32(bytes, 8);
    if (length > MAX_BLOCK) throw this.#error(`a packet of ${length} bytes is no sound one`);
    if (bytes.length < head + length) return 0;
    const timeMs = this.#u32(bytes, 0) * 1_000 + this.#u32(bytes, 4) / ticksPerMs;
    emit({ linkType, timeMs, data: bytes.subarray(head, head + length) });
    return head + length;
  }

  #block(bytes: Buffer, emit: (packet: Packet) => void): number {
    if (bytes.length < 12) return 0;
    const isSection = bytes.readUInt32BE(0) === MAGIC.section;
    if (isSection) {
      this.#view = bytes.readUInt32LE(8) === BYTE_ORDER;
      if (!this.#view && bytes.readUInt32BE(8) !== BYTE_ORDER)
        throw this.#error('a pcapng section has no byte order', 8);
      this.#interfaces = [];
    }
    const type = this.#u32(bytes, 0);
    const length = this.#u32(bytes, 4);
    if (length < 12 || length % 4 !== 0 || length > MAX_BLOCK) {
      throw this.#error(`a pcapng block of ${length} bytes is no sound one`, 4);
    }
    if (bytes.length < length) return 0;
    if (this.#u32(bytes, length - 4) !== length)
      throw this.#error('a pcapng block ends in another length', length - 4);
    if (!isSection) this.#content(type, bytes.subarray(0, length), emit);
    return length;
  }

  #content(type: number, block: Buffer, emit: (packet: Packet) => void): void {
    const last = block.length - 4;
    const least = { [BLOCK.interface]: 20, [BLOCK.packet]: 32, [BLOCK.simple]: 16, [BLOCK.enhanced]: 32 }[
      type
    ];
    if (least === undefined) return;
    if (block.length < least) throw this.#error(`a pcapng block of type ${type} is too short`);
    if (type === BLOCK.interface) {
      this.#interfaces.push(this.#interface(block));
      return;
    }
    const number =
      type === BLOCK.enhanced ? this.#u32(block, 8) : type === BLOCK.packet ? this.#u16(block, 8) : 0;
    const source = this.#interfaces[number];
    if (source === undefined)
      throw this.#error(`a packet is from interface ${number}, which the file does not describe`);
    const isSimple = type === BLOCK.simple;
    const from = isSimple ? 12 : 28;
    const length = isSimple
      ? Math.min(this.#u32(block, 8), source.snapLength || MAX_BLOCK)
      : this.#u32(block, 20);
    if (from + length > last) throw this.#error('a packet is longer than its block', from);
    const ticks = isSimple ? 0 : this.#u32(block, 12) * 2 ** 32 + this.#u32(block, 16);
    const timeMs = isSimple ? 0 : ticks / source.ticksPerMs + source.offsetMs;
    emit({ linkType: source.linkType, timeMs, data: block.subarray(from, from + length) });
  }

  #interface(block: Buffer): Interface {
    let ticksPerMs = 1e3;
    let offsetMs = 0;
    for (let at = 16; at + 4 <= block.length - 4; ) {
      const code = this.#u16(block, at);
      const length = this.#u16(block, at + 2);
      if (code === 0 || at + 4 + length > block.length - 4) break;
      if (code === OPTION_TSRESOL && length >= 1) {
        const resolution = block[at + 4]!;
        ticksPerMs = (resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** resolution) / 1e3;
      } else if (code === OPTION_TSOFFSET && length >= 8) {
        offsetMs = Number(this.#view ? block.readBigInt64LE(at + 4) : block.readBigInt64BE(at + 4)) * 1e3;
      }
      at += 4 + ((length + 3) & ~3);
    }
    return { linkType: this.#u16(block, 8), snapLength: this.#u32(block, 12), ticksPerMs, offsetMs };
  }
}
