/**
 * The client-puzzle extension of draft-venhoek-tls-client-puzzles-00 as bytes. Numbers are big-endian, as in
 * all of TLS (RFC 8446 section 3.3).
 */

/** The type of the extension until IANA assigns one: private use (RFC 8446 section 11). */
export const PUZZLE_EXTENSION = 0xff6a;

/** `ClientPuzzleType`. */
export const PUZZLE_TYPES = { echo: 0, sha256: 1, sha512: 2 } as const;
/** A type that the hash function belongs to. */
export type HashPuzzleType = typeof PUZZLE_TYPES.sha256 | typeof PUZZLE_TYPES.sha512;

const LABELS: Readonly<Record<HashPuzzleType, Buffer>> = {
  [PUZZLE_TYPES.sha256]: Buffer.from('TLS SHA256CPUPuzzle\0', 'latin1'),
  [PUZZLE_TYPES.sha512]: Buffer.from('TLS SHA512CPUPuzzle\0', 'latin1'),
};
const SOLUTION_BYTES = 8;

/** The content of a `ClientPuzzleExtension`. */
export interface PuzzleExtension {
  readonly types: readonly number[];
  /** Empty in an offer, the challenge in a HelloRetryRequest, the answer in a second ClientHello. */
  readonly body: Uint8Array;
}

/** What a hash puzzle asks for. */
export interface HashChallenge {
  /** Leading zero bits. */
  readonly difficulty: number;
  readonly salt: Uint8Array;
}

/** @throws RangeError for more than 127 types or 65,535 bytes: what no extension can carry. */
export function encodeExtension({ types, body }: PuzzleExtension): Buffer {
  if (types.length === 0 || types.length > 127 || body.length > 0xffff)
    throw new RangeError('no such extension');
  const bytes = Buffer.alloc(1 + types.length * 2 + 2 + body.length);
  bytes[0] = types.length * 2;
  types.forEach((type, index) => {
    bytes.writeUInt16BE(type, 1 + index * 2);
  });
  bytes.writeUInt16BE(body.length, 1 + types.length * 2);
  bytes.set(body, 3 + types.length * 2);
  return bytes;
}

/** Null for bytes that are no such extension. */
export function decodeExtension(bytes: Uint8Array): PuzzleExtension | null {
  const length = bytes[0] ?? 0;
  if (length < 2 || length % 2 !== 0 || bytes.length < 3 + length) return null;
  const view = viewOf(bytes);
  if (view.getUint16(1 + length) !== bytes.length - 3 - length) return null;
  const types = Array.from({ length: length / 2 }, (_, index) => view.getUint16(1 + index * 2));
  return { types, body: bytes.subarray(3 + length) };
}

export function encodeChallenge({ difficulty, salt }: HashChallenge): Buffer {
  const bytes = Buffer.alloc(4 + salt.length);
  bytes.writeUInt16BE(difficulty, 0);
  bytes.writeUInt16BE(salt.length, 2);
  bytes.set(salt, 4);
  return bytes;
}

/** Null for bytes that are no such challenge. */
export function decodeChallenge(body: Uint8Array): HashChallenge | null {
  if (body.length < 4) return null;
  const view = viewOf(body);
  if (view.getUint16(2) !== body.length - 4) return null;
  return { difficulty: view.getUint16(0), salt: body.subarray(4) };
}

/** `solution` from 0 to 2^64 - 1. */
export function encodeSolution(solution: bigint): Buffer {
  const bytes = Buffer.alloc(SOLUTION_BYTES);
  bytes.writeBigUInt64BE(solution);
  return bytes;
}

/** What is hashed after the solution. */
export function hashTail(type: HashPuzzleType, salt: Uint8Array): Buffer {
  return Buffer.concat([salt, LABELS[type]]);
}

/** What is hashed for an answer: null when it does not have the length of a solution. */
export function hashedMessage(type: HashPuzzleType, salt: Uint8Array, answer: Uint8Array): Buffer | null {
  return answer.length === SOLUTION_BYTES ? Buffer.concat([answer, hashTail(type, salt)]) : null;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
