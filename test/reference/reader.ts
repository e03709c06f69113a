/** Reads fields one after another; what does not fit is thrown as the status the decision core gives it. */

/** Why something cannot be read: a name of `statuses` in assembly/abi/layout.json. */
export class Refused extends Error {
  readonly status: string;

  constructor(status: string) {
    super(status);
    this.status = status;
  }
}

export class Reader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** A field that must lie within the message. */
  take(length: number, otherwise: string): Buffer {
    if (length > this.left) throw new Refused(otherwise);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  number(width: 1 | 2 | 3, otherwise: string): number {
    return this.take(width, otherwise).readUIntBE(0, width);
  }

  /** Content after its length. */
  vector(width: 1 | 2 | 3, noLength: string, noContent: string): Buffer {
    return this.take(this.number(width, noLength), noContent);
  }
}

/** The 16-bit numbers in bytes; an odd last byte is left out. */
export function codesOf(bytes: Uint8Array): number[] {
  const buffer = Buffer.from(bytes);
  return Array.from({ length: buffer.length >> 1 }, (_, i) => buffer.readUInt16BE(i * 2));
}

/** RFC 8701: 0x0a0a, 0x1a1a, … 0xfafa. */
export function isGrease(code: number): boolean {
  return GREASE.has(code);
}

const GREASE = new Set(Array.from({ length: 16 }, (_, i) => i * 0x1010 + 0x0a0a));
/** RFC 8701, for PSK key exchange modes. */
export const GREASE_MODES: ReadonlySet<number> = new Set([0x0b, 0x2a, 0x49, 0x68, 0x87, 0xa6, 0xc5, 0xe4]);
