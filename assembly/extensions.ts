/** The extensions of a ClientHello. What cannot be read is a violation: it is named, and its list keeps what could be. */

import {
  HELLO_ALPN_COUNT_AT,
  HELLO_ALPN_LENGTH_AT,
  HELLO_ALPN_OFFSET_AT,
  HELLO_EXTENSION_COUNT_AT,
  HELLO_EXTENSIONS_LENGTH_AT,
  HELLO_EXTENSIONS_OFFSET_AT,
  HELLO_FLAG_ALPS,
  HELLO_FLAG_COMPRESS_CERTIFICATE,
  HELLO_FLAG_COOKIE,
  HELLO_FLAG_EARLY_DATA,
  HELLO_FLAG_ECH,
  HELLO_FLAG_GREASE,
  HELLO_FLAG_PQ,
  HELLO_FLAG_PSK,
  HELLO_FLAG_RESUMPTION,
  HELLO_FLAG_TICKET,
  MAX_EXTENSIONS,
  MAX_LIST_CODES,
  STATUS_ALPN_MALFORMED,
  STATUS_EXTENSION_DUPLICATE,
  STATUS_EXTENSION_MALFORMED,
  STATUS_EXTENSIONS_TOO_MANY,
  STATUS_GROUPS_MALFORMED,
  STATUS_KEY_SHARE_INCONSISTENT,
  STATUS_KEY_SHARE_MALFORMED,
  STATUS_LENGTH_MISMATCH,
  STATUS_LIST_TOO_LONG,
  STATUS_POINT_FORMATS_MALFORMED,
  STATUS_PSK_MALFORMED,
  STATUS_PSK_MODES_MALFORMED,
  STATUS_PSK_MODES_MISSING,
  STATUS_PSK_NOT_LAST,
  STATUS_SIGALGS_MALFORMED,
  STATUS_VERSIONS_MALFORMED,
} from './abi/layout.gen';
import { be16 } from './bytes';
import {
  ALPS,
  ALPS_NEW,
  COMPRESS_CERTIFICATE,
  COOKIE,
  EARLY_DATA,
  isContentRight,
  isPreSharedKey,
} from './extension-content';
import { isGrease8, isGrease16 } from './grease';
import { copyCodes } from './hello';
import { HELLO, MESSAGE, SEEN } from './memory';
import {
  ALPN,
  addFlag,
  addViolation,
  cursor,
  EXTENSIONS,
  flags,
  GROUPS,
  KEY_SHARES,
  listAt,
  listCount,
  moveCursor,
  POINT_FORMATS,
  PSK_MODES,
  SIGALGS,
  setList,
  VERSIONS,
} from './parsed';
import { readServerName } from './server-name';

const SERVER_NAME: i32 = 0;
const SUPPORTED_GROUPS: i32 = 10;
const EC_POINT_FORMATS: i32 = 11;
const SIGNATURE_ALGORITHMS: i32 = 13;
const APPLICATION_LAYER_PROTOCOL: i32 = 16;
const SESSION_TICKET: i32 = 35;
const PRE_SHARED_KEY: i32 = 41;
const SUPPORTED_VERSIONS: i32 = 43;
const PSK_KEY_EXCHANGE_MODES: i32 = 45;
const KEY_SHARE: i32 = 51;
const ENCRYPTED_CLIENT_HELLO: i32 = 0xfe0d;

/** Reads the extensions block; a negative status when it cannot be read as one. */
export function readExtensions(at: usize, length: i32): i32 {
  store<u32>(HELLO, <u32>(at - MESSAGE), HELLO_EXTENSIONS_OFFSET_AT);
  store<u32>(HELLO, length, HELLO_EXTENSIONS_LENGTH_AT);
  const status = readTypes(at, at + length);
  if (status < 0) return status;
  readContents(at, at + length);
  if ((flags() & HELLO_FLAG_PSK) != 0 && !isMarked(PSK_KEY_EXCHANGE_MODES)) {
    addViolation(STATUS_PSK_MODES_MISSING);
  }
  const end = at + length;
  for (let p = at; p < end; p += 4 + be16(p + 2)) unmark(be16(p));
  checkKeyShares();
  return 0;
}

/** The types come first in VALUES, so their number must be known before any other list is copied. */
function readTypes(at: usize, end: usize): i32 {
  const types = cursor();
  let kept = 0;
  let count = 0;
  for (let p = at; p < end; p += 4 + be16(p + 2)) {
    if (p + 4 > end || p + 4 + be16(p + 2) > end) return STATUS_LENGTH_MISMATCH;
    const type = be16(p);
    count++;
    if (count > MAX_LIST_CODES || isListTooLong(type, be16(p + 2))) return STATUS_LIST_TOO_LONG;
    if (isGrease16(type)) {
      addFlag(HELLO_FLAG_GREASE);
    } else {
      store<u16>(types + (kept << 1), type);
      kept++;
    }
  }
  if (count > MAX_EXTENSIONS) addViolation(STATUS_EXTENSIONS_TOO_MANY);
  setList(EXTENSIONS, types, kept);
  moveCursor(types + (kept << 1));
  store<u32>(HELLO, kept, HELLO_EXTENSION_COUNT_AT);
  return 0;
}

/** Lists that are hashed are kept short, so that no hello takes long. */
function isListTooLong(type: i32, size: i32): bool {
  return (type == SUPPORTED_GROUPS || type == SIGNATURE_ALGORITHMS) && size > 2 + 2 * MAX_LIST_CODES;
}

function readContents(at: usize, end: usize): void {
  for (let p = at; p < end; ) {
    const type = be16(p);
    const size = be16(p + 2);
    p += 4;
    if (mark(type)) readExtension(type, p, size);
    else addViolation(STATUS_EXTENSION_DUPLICATE);
    p += size;
    if (type == PRE_SHARED_KEY && p < end) addViolation(STATUS_PSK_NOT_LAST);
  }
}

function isMarked(code: i32): bool {
  return ((<i32>load<u8>(SEEN + (code >> 3)) >> (code & 7)) & 1) != 0;
}

/** True the first time a code comes. */
function mark(code: i32): bool {
  if (isMarked(code)) return false;
  const at = SEEN + (code >> 3);
  store<u8>(at, <i32>load<u8>(at) | (1 << (code & 7)));
  return true;
}

function unmark(code: i32): void {
  const at = SEEN + (code >> 3);
  store<u8>(at, <i32>load<u8>(at) & ~(1 << (code & 7)));
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
    if (size > 0) addFlag(HELLO_FLAG_TICKET | HELLO_FLAG_RESUMPTION);
  } else if (type == PRE_SHARED_KEY) {
    addFlag(HELLO_FLAG_PSK | HELLO_FLAG_RESUMPTION);
    if (!isPreSharedKey(at, size)) addViolation(STATUS_PSK_MALFORMED);
  } else if (type == SUPPORTED_VERSIONS) {
    if (!readCodes(VERSIONS, at, size, 1)) addViolation(STATUS_VERSIONS_MALFORMED);
  } else if (type == PSK_KEY_EXCHANGE_MODES) readPskModes(at, size);
  else if (type == KEY_SHARE) readKeyShares(at, size);
  else {
    addFlag(flagOf(type));
    if (!isContentRight(type, at, size)) addViolation(STATUS_EXTENSION_MALFORMED);
  }
}

/** The flag of an extension whose presence is all that is kept of it, 0 for others. */
function flagOf(type: i32): i32 {
  if (type == EARLY_DATA) return HELLO_FLAG_EARLY_DATA;
  if (type == ENCRYPTED_CLIENT_HELLO) return HELLO_FLAG_ECH;
  if (type == COOKIE) return HELLO_FLAG_COOKIE;
  if (type == COMPRESS_CERTIFICATE) return HELLO_FLAG_COMPRESS_CERTIFICATE;
  return type == ALPS || type == ALPS_NEW ? HELLO_FLAG_ALPS : 0;
}

/** A vector of u16 codes after a length of `prefix` bytes that must fill the extension; keeps what can be read. */
function readCodes(list: usize, at: usize, size: i32, prefix: i32): bool {
  if (size < prefix) return false;
  const length = prefix == 1 ? <i32>load<u8>(at) : be16(at);
  copyCodes(list, at + prefix, min(length, size - prefix) >> 1);
  return prefix + length == size && length > 0 && (length & 1) == 0;
}

/** RFC 8422 5.1.2; the list stays where it is in MESSAGE. */
function readPointFormats(at: usize, size: i32): void {
  const length = size < 1 ? 0 : <i32>load<u8>(at);
  if (length == 0 || length + 1 != size) addViolation(STATUS_POINT_FORMATS_MALFORMED);
  setList(POINT_FORMATS, at + 1, min(length, max(size - 1, 0)));
}

/** RFC 7301 3.1: names of 1 to 255 bytes. HELLO shows the list as it came, VALUES without GREASE. */
function readAlpn(at: usize, size: i32): void {
  const length = size < 2 ? 0 : be16(at);
  const end = at + 2 + min(length, max(size - 2, 0));
  const values = cursor();
  let out = values;
  let kept = 0;
  let p = at + 2;
  while (p < end) {
    const name = <i32>load<u8>(p);
    if (name == 0 || p + 1 + name > end) break;
    if (name == 2 && isGrease16(be16(p + 1))) {
      addFlag(HELLO_FLAG_GREASE);
    } else {
      memory.copy(out, p, 1 + name);
      out += 1 + name;
      kept++;
    }
    p += 1 + name;
  }
  if (length == 0 || length + 2 != size || p != end) addViolation(STATUS_ALPN_MALFORMED);
  store<u32>(HELLO, <u32>(at + 2 - MESSAGE), HELLO_ALPN_OFFSET_AT);
  store<u32>(HELLO, <u32>(p - at - 2), HELLO_ALPN_LENGTH_AT);
  setList(ALPN, values, <i32>(out - values));
  moveCursor(out);
  store<u32>(HELLO, kept, HELLO_ALPN_COUNT_AT);
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
    if (isGrease8(mode)) {
      addFlag(HELLO_FLAG_GREASE);
      continue;
    }
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

/** RFC 8446 4.2.8: each share is of another group, and of one that supported_groups lists. */
function checkKeyShares(): void {
  const groups = listAt(GROUPS);
  const offered = listCount(GROUPS);
  for (let i = 0; i < offered; i++) mark(load<u16>(groups + (i << 1)));
  const shares = listAt(KEY_SHARES);
  const count = listCount(KEY_SHARES);
  for (let i = 0; i < count; i++) {
    const group = <i32>load<u16>(shares + (i << 1));
    if (!isMarked(group)) addViolation(STATUS_KEY_SHARE_INCONSISTENT);
    unmark(group);
  }
  for (let i = 0; i < offered; i++) unmark(load<u16>(groups + (i << 1)));
}

/** Groups with a post-quantum part: ML-KEM alone or in a hybrid, and the drafts that browsers shipped. */
function markPostQuantum(): void {
  const at = listAt(GROUPS);
  const count = listCount(GROUPS);
  for (let i = 0; i < count; i++) {
    const group = <i32>load<u16>(at + (i << 1));
    const mlkem = group >= 0x0200 && group <= 0x0202;
    const hybrid = group >= 0x11eb && group <= 0x11ee;
    if (mlkem || hybrid || group == 0x6399 || group == 0x639a || group == 0x4138) {
      addFlag(HELLO_FLAG_PQ);
      return;
    }
  }
}
