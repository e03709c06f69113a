/** The extensions of a ClientHello. What cannot be read is a violation: it is named, and its list keeps what could be. */

import {
  HELLO_ALPN_COUNT_AT,
  HELLO_ALPN_LENGTH_AT,
  HELLO_ALPN_OFFSET_AT,
  HELLO_EXTENSION_COUNT_AT,
  HELLO_FLAG_EARLY_DATA,
  HELLO_FLAG_ECH,
  HELLO_FLAG_GREASE,
  HELLO_FLAG_PQ,
  HELLO_FLAG_RESUMPTION,
  HELLO_FLAG_SNI,
  HELLO_SNI_LENGTH_AT,
  HELLO_SNI_OFFSET_AT,
  STATUS_ALPN_MALFORMED,
  STATUS_EXTENSION_DUPLICATE,
  STATUS_GROUPS_MALFORMED,
  STATUS_KEY_SHARE_MALFORMED,
  STATUS_LENGTH_MISMATCH,
  STATUS_POINT_FORMATS_MALFORMED,
  STATUS_PSK_MODES_MALFORMED,
  STATUS_PSK_NOT_LAST,
  STATUS_SIGALGS_MALFORMED,
  STATUS_SNI_MALFORMED,
  STATUS_SNI_NOT_A_NAME,
  STATUS_VERSIONS_MALFORMED,
} from './abi/layout.gen';
import { be16 } from './bytes';
import { isGrease8, isGrease16 } from './grease';
import { copyCodes } from './hello';
import { HELLO, MESSAGE, SEEN } from './memory';
import {
  ALPN,
  addFlag,
  addViolation,
  cursor,
  EXTENSIONS,
  GROUPS,
  KEY_SHARES,
  listAt,
  listCount,
  moveCursor,
  POINT_FORMATS,
  PSK_MODES,
  SIGALGS,
  SNI,
  setList,
  VERSIONS,
} from './parsed';

const SERVER_NAME: i32 = 0;
const SUPPORTED_GROUPS: i32 = 10;
const EC_POINT_FORMATS: i32 = 11;
const SIGNATURE_ALGORITHMS: i32 = 13;
const APPLICATION_LAYER_PROTOCOL: i32 = 16;
const SESSION_TICKET: i32 = 35;
const PRE_SHARED_KEY: i32 = 41;
const EARLY_DATA: i32 = 42;
const SUPPORTED_VERSIONS: i32 = 43;
const PSK_KEY_EXCHANGE_MODES: i32 = 45;
const KEY_SHARE: i32 = 51;
const ENCRYPTED_CLIENT_HELLO: i32 = 0xfe0d;
const MAX_NAME: i32 = 255;

/** Reads the extensions block; a negative status when its lengths do not add up. */
export function readExtensions(at: usize, length: i32): i32 {
  const end = at + length;
  const types = cursor();
  let count = 0;
  let status = 0;
  // The types come first in VALUES, so their number must be known before any other list is copied.
  for (let p = at; p < end; ) {
    if (p + 4 > end || p + 4 + be16(p + 2) > end) {
      status = STATUS_LENGTH_MISMATCH;
      break;
    }
    const type = be16(p);
    if (isGrease16(type)) {
      addFlag(HELLO_FLAG_GREASE);
    } else {
      store<u16>(types + (count << 1), type);
      count++;
    }
    p += 4 + be16(p + 2);
  }
  if (status < 0) return status;
  setList(EXTENSIONS, types, count);
  moveCursor(types + (count << 1));
  store<u32>(HELLO, count, HELLO_EXTENSION_COUNT_AT);

  for (let p = at; p < end; ) {
    const type = be16(p);
    const size = be16(p + 2);
    p += 4;
    if (mark(type)) readExtension(type, p, size);
    else addViolation(STATUS_EXTENSION_DUPLICATE);
    p += size;
    if (type == PRE_SHARED_KEY && p < end) addViolation(STATUS_PSK_NOT_LAST);
  }
  for (let p = at; p < end; p += 4 + be16(p + 2)) store<u8>(SEEN + (be16(p) >> 3), 0);
  return 0;
}

/** True the first time a type comes. */
function mark(type: i32): bool {
  const at = SEEN + (type >> 3);
  const bit = 1 << (type & 7);
  const seen = <i32>load<u8>(at);
  store<u8>(at, seen | bit);
  return (seen & bit) == 0;
}

function readExtension(type: i32, at: usize, size: i32): void {
  if (type == SERVER_NAME) readServerName(at, size);
  else if (type == SUPPORTED_GROUPS) {
    if (!readCodes(GROUPS, at, size, 2)) addViolation(STATUS_GROUPS_MALFORMED);
    markPostQuantum();
  } else if (type == EC_POINT_FORMATS) readPointFormats(at, size);
  else if (type == SIGNATURE_ALGORITHMS) {
    if (!readCodes(SIGALGS, at, size, 2)) addViolation(STATUS_SIGALGS_MALFORMED);
  } else if (type == APPLICATION_LAYER_PROTOCOL) readAlpn(at, size);
  else if (type == SESSION_TICKET) {
    if (size > 0) addFlag(HELLO_FLAG_RESUMPTION);
  } else if (type == PRE_SHARED_KEY) addFlag(HELLO_FLAG_RESUMPTION);
  else if (type == EARLY_DATA) addFlag(HELLO_FLAG_EARLY_DATA);
  else if (type == SUPPORTED_VERSIONS) {
    if (!readCodes(VERSIONS, at, size, 1)) addViolation(STATUS_VERSIONS_MALFORMED);
  } else if (type == PSK_KEY_EXCHANGE_MODES) readPskModes(at, size);
  else if (type == KEY_SHARE) readKeyShares(at, size);
  else if (type == ENCRYPTED_CLIENT_HELLO) addFlag(HELLO_FLAG_ECH);
}

/** A vector of u16 codes after a length of `prefix` bytes that must fill the extension; keeps what can be read. */
function readCodes(list: usize, at: usize, size: i32, prefix: i32): bool {
  if (size < prefix) return false;
  const length = prefix == 1 ? <i32>load<u8>(at) : be16(at);
  copyCodes(list, at + prefix, min(length, size - prefix) >> 1);
  return prefix + length == size && length > 0 && (length & 1) == 0;
}

/** RFC 6066 3: a list of names, of which only host names exist, and only one. */
function readServerName(at: usize, size: i32): void {
  addFlag(HELLO_FLAG_SNI);
  if (size < 5 || be16(at) + 2 != size) {
    addViolation(STATUS_SNI_MALFORMED);
    return;
  }
  const length = be16(at + 3);
  if (load<u8>(at, 2) != 0 || length + 5 != size) {
    addViolation(STATUS_SNI_MALFORMED);
    return;
  }
  store<u32>(HELLO, <u32>(at + 5 - MESSAGE), HELLO_SNI_OFFSET_AT);
  store<u32>(HELLO, length, HELLO_SNI_LENGTH_AT);
  const values = cursor();
  if (length == 0 || length > MAX_NAME || !copyName(values, at + 5, length)) {
    addViolation(STATUS_SNI_NOT_A_NAME);
    return;
  }
  const dotted = length > 1 && load<u8>(at + 4 + length) == 0x2e;
  setList(SNI, values, dotted ? length - 1 : length);
  moveCursor(values + length);
}

/** Copies a host name in lower case; false when a byte can stand in none. Underscores do occur in real names. */
function copyName(out: usize, at: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    let byte = <i32>load<u8>(at + i);
    if (byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
    const letter = byte >= 0x61 && byte <= 0x7a;
    const digit = byte >= 0x30 && byte <= 0x39;
    if (!letter && !digit && byte != 0x2e && byte != 0x2d && byte != 0x5f) return false;
    store<u8>(out + i, byte);
  }
  return true;
}

/** RFC 8422 5.1.2; the list stays where it is in MESSAGE. */
function readPointFormats(at: usize, size: i32): void {
  const length = size < 1 ? 0 : <i32>load<u8>(at);
  if (length == 0 || length + 1 != size) addViolation(STATUS_POINT_FORMATS_MALFORMED);
  setList(POINT_FORMATS, at + 1, min(length, max(size - 1, 0)));
}

/** RFC 7301 3.1: names of 1 to 255 bytes. */
function readAlpn(at: usize, size: i32): void {
  if (size < 4 || be16(at) + 2 != size) {
    addViolation(STATUS_ALPN_MALFORMED);
    return;
  }
  const end = at + size;
  let count = 0;
  for (let p = at + 2; p < end; count++) {
    const length = <i32>load<u8>(p);
    if (length == 0 || p + 1 + length > end) {
      addViolation(STATUS_ALPN_MALFORMED);
      return;
    }
    p += 1 + length;
  }
  const values = cursor();
  memory.copy(values, at + 2, size - 2);
  setList(ALPN, values, size - 2);
  moveCursor(values + size - 2);
  store<u32>(HELLO, <u32>(at + 2 - MESSAGE), HELLO_ALPN_OFFSET_AT);
  store<u32>(HELLO, size - 2, HELLO_ALPN_LENGTH_AT);
  store<u32>(HELLO, count, HELLO_ALPN_COUNT_AT);
}

function readPskModes(at: usize, size: i32): void {
  if (size < 2 || <i32>load<u8>(at) + 1 != size) {
    addViolation(STATUS_PSK_MODES_MALFORMED);
    return;
  }
  const values = cursor();
  let kept = 0;
  for (let i = 1; i < size; i++) {
    const mode = <i32>load<u8>(at + i);
    if (isGrease8(mode)) continue;
    store<u16>(values + (kept << 1), mode);
    kept++;
  }
  setList(PSK_MODES, values, kept);
  moveCursor(values + (kept << 1));
}

/** RFC 8446 4.2.8: entries of group, length and key; the list itself may be empty. */
function readKeyShares(at: usize, size: i32): void {
  if (size < 2 || be16(at) + 2 != size) {
    addViolation(STATUS_KEY_SHARE_MALFORMED);
    return;
  }
  const end = at + size;
  const values = cursor();
  let kept = 0;
  for (let p = at + 2; p < end; ) {
    if (p + 4 > end || be16(p + 2) == 0 || p + 4 + be16(p + 2) > end) {
      addViolation(STATUS_KEY_SHARE_MALFORMED);
      return;
    }
    const group = be16(p);
    if (isGrease16(group)) {
      addFlag(HELLO_FLAG_GREASE);
    } else {
      store<u16>(values + (kept << 1), group);
      kept++;
    }
    p += 4 + be16(p + 2);
  }
  setList(KEY_SHARES, values, kept);
  moveCursor(values + (kept << 1));
}

/** Groups with a post-quantum part: ML-KEM alone or in a hybrid, and the drafts that browsers shipped. */
function markPostQuantum(): void {
  const at = listAt(GROUPS);
  const count = listCount(GROUPS);
  for (let i = 0; i < count; i++) {
    const group = <i32>load<u16>(at + (i << 1));
    const mlkem = group >= 0x0200 && group <= 0x0202;
    const hybrid = group >= 0x11eb && group <= 0x11ed;
    if (mlkem || hybrid || group == 0x6399 || group == 0x639a || group == 0x4138) {
      addFlag(HELLO_FLAG_PQ);
      return;
    }
  }
}
