/** ClientHellos made to order. */

export interface HelloParts {
  readonly version?: number;
  readonly sessionId?: Uint8Array;
  readonly ciphers?: readonly number[];
  readonly compression?: Uint8Array;
  /** Type and content; null: no extensions block at all. */
  readonly extensions?: readonly (readonly [number, Uint8Array])[] | null;
}

export function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

/** Content after its length in `width` bytes. */
export function vector(width: 1 | 2 | 3, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length = Buffer.alloc(width);
  length.writeUIntBE(content.length, 0, width);
  return Buffer.concat([length, content]);
}

/** A vector of 16-bit codes after a length of `width` bytes. */
export function codes(values: readonly number[], width: 1 | 2 = 2): Buffer {
  return vector(width, ...values.map(u16));
}

export function serverName(name: string): Buffer {
  return vector(2, Buffer.from([0]), vector(2, Buffer.from(name, 'latin1')));
}

export function alpn(...names: string[]): Buffer {
  return vector(2, ...names.map((name) => vector(1, Buffer.from(name, 'latin1'))));
}

/** The handshake message with its four-byte header. */
export function helloMessage(parts: HelloParts = {}): Buffer {
  const { extensions = [] } = parts;
  const body = Buffer.concat([
    u16(parts.version ?? 0x0303),
    Buffer.alloc(32, 7),
    vector(1, parts.sessionId ?? Buffer.alloc(0)),
    codes(parts.ciphers ?? [0x1301, 0xc02f]),
    vector(1, parts.compression ?? Buffer.from([0])),
    extensions === null
      ? Buffer.alloc(0)
      : vector(2, ...extensions.map(([type, content]) => Buffer.concat([u16(type), vector(2, content)]))),
  ]);
  return Buffer.concat([Buffer.from([1]), vector(3, body)]);
}

/** A message in records whose contents have the given sizes; what is left goes into a last one. */
export function inRecords(message: Uint8Array, sizes: readonly number[] = []): Buffer {
  const records: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, message.length]) {
    const content = message.subarray(at, at + Math.min(size, 16_384));
    if (content.length === 0) continue;
    records.push(Buffer.concat([Buffer.from([22, 3, 1]), vector(2, content)]));
    at += content.length;
  }
  return Buffer.concat(records);
}
