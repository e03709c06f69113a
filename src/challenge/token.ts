/** The token of one posed challenge: what the server asked, when, of whom, under its own MAC. */
import { createHmac, hash, randomFillSync, timingSafeEqual } from 'node:crypto';

/** Fields of a token, as issued. */
export interface Token {
  /** Leading zero bits demanded. */
  readonly difficulty: number;
  readonly issuedAtMs: number;
  /** 16 random bytes. */
  readonly salt: Uint8Array;
}

/** Version (1), difficulty (1), issued at in ms (6), salt (16), tag (32); base64url without padding. */
const VERSION = 1;
const BODY = 24;
const SIZE = BODY + 32;
const TEXT = /^[A-Za-z0-9_-]{75}$/;

/** SHA-256 of a text. */
export function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

function tag(key: Uint8Array, body: Uint8Array, name: Uint8Array, binding: string): Buffer {
  return createHmac('sha256', key).update(body).update(name).update(digest(binding)).digest();
}

/**
 * @param key MAC key of this purpose.
 * @param name Digest of the challenge's name.
 * @param difficulty 0 to 255.
 */
export function issueToken(
  key: Uint8Array,
  name: Uint8Array,
  binding: string,
  difficulty: number,
  nowMs: number,
): string {
  const bytes = Buffer.alloc(SIZE);
  bytes.writeUInt8(VERSION, 0);
  bytes.writeUInt8(difficulty, 1);
  bytes.writeUIntBE(Math.floor(nowMs), 2, 6);
  randomFillSync(bytes, 8, 16);
  tag(key, bytes.subarray(0, BODY), name, binding).copy(bytes, BODY);
  return bytes.toString('base64url');
}

/** The fields of a token that this key issued for this challenge and binding, else null. */
export function openToken(key: Uint8Array, name: Uint8Array, binding: string, text: string): Token | null {
  if (!TEXT.test(text)) return null;
  const bytes = Buffer.from(text, 'base64url');
  // why: the last character carries two unused bits; only one spelling of a token is the token.
  if (bytes.length !== SIZE || bytes[0] !== VERSION || bytes.toString('base64url') !== text) return null;
  const expected = tag(key, bytes.subarray(0, BODY), name, binding);
  if (!timingSafeEqual(expected, bytes.subarray(BODY))) return null;
  return { difficulty: bytes[1]!, issuedAtMs: bytes.readUIntBE(2, 6), salt: bytes.subarray(8, BODY) };
}
