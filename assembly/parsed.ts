/** Where the lists of the last parsed ClientHello lie: what the fingerprints are made of. GREASE is already left out. */
import { clearWords } from './bytes';

const PARSED: usize = memory.data(128, 16);
export const PARSED_BYTES: i32 = 128;

// Lists: address of the first u16 code (point formats: u8), then the count.
export const CIPHERS: usize = PARSED;
export const EXTENSIONS: usize = PARSED + 8;
export const GROUPS: usize = PARSED + 16;
export const SIGALGS: usize = PARSED + 24;
export const POINT_FORMATS: usize = PARSED + 32;
export const VERSIONS: usize = PARSED + 40;
export const KEY_SHARES: usize = PARSED + 48;
export const PSK_MODES: usize = PARSED + 56;
/** ALPN protocols as on the wire, without the list's length; the count is of bytes. */
export const ALPN: usize = PARSED + 64;
/** The host name in lower case; the count is of bytes. */
export const SNI: usize = PARSED + 72;

/** Where the next value is written in the parser's part of VALUES. */
const CURSOR: usize = PARSED + 80;
const FLAGS: usize = PARSED + 84;
const VIOLATION: usize = PARSED + 88;
const PROTO: usize = PARSED + 92;

export function clearParsed(values: usize, proto: i32): void {
  clearWords(PARSED, PARSED_BYTES);
  store<u32>(CURSOR, <u32>values);
  store<i32>(PROTO, proto);
}

export function setList(list: usize, at: usize, count: i32): void {
  store<u32>(list, <u32>at, 0);
  store<i32>(list, count, 4);
}

export function listAt(list: usize): usize {
  return load<u32>(list, 0);
}

export function listCount(list: usize): i32 {
  return load<i32>(list, 4);
}

export function cursor(): usize {
  return load<u32>(CURSOR);
}

/** Keeps what lies between the cursor and `end`; the next value starts on an even address. */
export function moveCursor(end: usize): void {
  store<u32>(CURSOR, <u32>((end + 1) & ~1));
}

export function flags(): i32 {
  return load<i32>(FLAGS);
}

export function addFlag(flag: i32): void {
  store<i32>(FLAGS, flags() | flag);
}

/** The first rule of the protocol that the hello broke, 0 when it broke none. */
export function violation(): i32 {
  return load<i32>(VIOLATION);
}

export function addViolation(status: i32): void {
  if (violation() == 0) store<i32>(VIOLATION, status);
}

export function proto(): i32 {
  return load<i32>(PROTO);
}
