/** The clearance cookie: proof, bound to the client, that a challenge was solved. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { digest } from './token.ts';

/** The prefix makes browsers refuse it from other hosts, over plain HTTP, or with another path (RFC 6265bis). */
export const CLEARANCE_COOKIE = '__Host-sallyport_clearance';

/** Version (1), expires in ms (6), tag (32); base64url without padding. */
const VERSION = 1;
const BODY = 7;
const SIZE = BODY + 32;
const TEXT = /^[A-Za-z0-9_-]{52}$/;
/** Copies looked at in one header; a browser sends one. */
const MAX_COPIES = 4;

function tag(key: Uint8Array, body: Uint8Array, name: Uint8Array, binding: string): Buffer {
  return createHmac('sha256', key).update(body).update(name).update(digest(binding)).digest();
}

/** The value of a `Set-Cookie` header that clears `binding` until `nowMs + lastsMs`. */
export function issueCookie(
  key: Uint8Array,
  name: Uint8Array,
  binding: string,
  nowMs: number,
  lastsMs: number,
): string {
  const bytes = Buffer.alloc(SIZE);
  bytes.writeUInt8(VERSION, 0);
  bytes.writeUIntBE(Math.floor(nowMs + lastsMs), 1, 6);
  tag(key, bytes.subarray(0, BODY), name, binding).copy(bytes, BODY);
  const value = bytes.toString('base64url');
  const maxAge = Math.max(1, Math.floor(lastsMs / 1000));
  return `${CLEARANCE_COOKIE}=${value}; Path=/; Max-Age=${maxAge}; Secure; HttpOnly; SameSite=Lax`;
}

/** Whether a `Cookie` header holds a clearance of this challenge and binding that has not expired. */
export function checkCookieHeader(
  key: Uint8Array,
  name: Uint8Array,
  binding: string,
  header: string,
  nowMs: number,
): boolean {
  let at = header.indexOf(`${CLEARANCE_COOKIE}=`);
  for (let copy = 0; at !== -1 && copy < MAX_COPIES; copy++) {
    const start = at + CLEARANCE_COOKIE.length + 1;
    const end = header.indexOf(';', start);
    const value = (end === -1 ? header.slice(start) : header.slice(start, end)).trim();
    if (startsPair(header, at) && checkValue(key, name, binding, value, nowMs)) return true;
    at = header.indexOf(`${CLEARANCE_COOKIE}=`, start);
  }
  return false;
}

/** Whether a cookie's name begins here, rather than ends here. */
function startsPair(header: string, at: number): boolean {
  const before = header.slice(0, at).trimEnd();
  return before === '' || before.endsWith(';');
}

function checkValue(
  key: Uint8Array,
  name: Uint8Array,
  binding: string,
  value: string,
  nowMs: number,
): boolean {
  if (!TEXT.test(value)) return false;
  const bytes = Buffer.from(value, 'base64url');
  if (bytes.length !== SIZE || bytes[0] !== VERSION) return false;
  if (!timingSafeEqual(tag(key, bytes.subarray(0, BODY), name, binding), bytes.subarray(BODY))) return false;
  return bytes.readUIntBE(1, 6) > nowMs;
}
