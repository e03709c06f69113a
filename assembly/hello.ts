/** The ClientHello (RFC 8446 4.1.2, RFC 5246 7.4.1.2, RFC 6347 4.2.1) to lists, flags and fact slots. */
import {
  FORM_HANDSHAKE,
  HELLO_BYTES,
  HELLO_CIPHER_COUNT_AT,
  HELLO_CONSUMED_AT,
  HELLO_COOKIE_LENGTH_AT,
  HELLO_FLAG_EXTENSIONS,
  HELLO_FLAG_GREASE,
  HELLO_FLAGS_AT,
  HELLO_LEGACY_VERSION_AT,
  HELLO_MESSAGE_LENGTH_AT,
  HELLO_SESSION_ID_LENGTH_AT,
  HELLO_SIZE_AT,
  HELLO_STATUS_AT,
  MAX_LIST_CODES,
  PROTO_DTLS,
  STATUS_CIPHER_SUITES_EMPTY,
  STATUS_CIPHER_SUITES_ODD,
  STATUS_COMPRESSION_EMPTY,
  STATUS_COMPRESSION_NOT_NULL,
  STATUS_HELLO_TRUNCATED,
  STATUS_LENGTH_MISMATCH,
  STATUS_LIST_TOO_LONG,
  STATUS_SESSION_ID_TOO_LONG,
  STATUS_TRAILING_BYTES,
} from './abi/layout.gen';
import { be16, clearWords } from './bytes';
import { readDtlsMessage, readDtlsRecords } from './dtls';
import { readExtensions } from './extensions';
import { setFacts, setUnknownFacts } from './facts';
import { fingerprint } from './fingerprint';
import { isGrease16 } from './grease';
import { HELLO, HELLO_VALUES, MESSAGE } from './memory';
import {
  addFlag,
  addViolation,
  CIPHERS,
  clearParsed,
  cursor,
  flags,
  moveCursor,
  setList,
  violation,
} from './parsed';
import { readBareMessage, readRecords } from './records';
import { maxVersion } from './version';

export const NEED_MORE: i32 = 1;
/** legacy_version and random. */
const FIXED_BYTES: i32 = 34;
const MAX_SESSION_ID: i32 = 32;
const TLS13: i32 = 0x0304;
const DTLS13: i32 = 0xfefc;

/**
 * Parses the ClientHello in `length` bytes at `at`: 0 when it is whole and right, NEED_MORE, or why not.
 * After a violation (a rule of the protocol broken in a message that could be read) HELLO and the
 * fingerprints are filled in all the same; the facts are set only on 0.
 */
export function parseHello(at: usize, length: i32, form: i32, proto: i32): i32 {
  clearWords(HELLO, HELLO_BYTES);
  store<u32>(HELLO, HELLO_BYTES, HELLO_SIZE_AT);
  clearParsed(HELLO_VALUES, proto);
  setUnknownFacts();
  const status = parse(at, length, form, proto);
  store<i32>(HELLO, status, HELLO_STATUS_AT);
  return status;
}

function parse(at: usize, length: i32, form: i32, proto: i32): i32 {
  const consumed = reassemble(at, length, form, proto);
  if (consumed <= 0) return consumed == 0 ? NEED_MORE : consumed;
  store<u32>(HELLO, consumed, HELLO_CONSUMED_AT);
  const header = proto == PROTO_DTLS ? 12 : 4;
  const status = readBody(load<i32>(HELLO, HELLO_MESSAGE_LENGTH_AT) - header, proto);
  if (status < 0) return status;
  store<i32>(HELLO, flags(), HELLO_FLAGS_AT);
  fingerprint();
  if (violation() == 0) setFacts();
  return violation();
}

function reassemble(at: usize, length: i32, form: i32, proto: i32): i32 {
  if (form == FORM_HANDSHAKE) {
    return proto == PROTO_DTLS ? readDtlsMessage(at, length) : readBareMessage(at, length);
  }
  return proto == PROTO_DTLS ? readDtlsRecords(at, length) : readRecords(at, length);
}

function readBody(length: i32, proto: i32): i32 {
  if (length < FIXED_BYTES + 1) return STATUS_HELLO_TRUNCATED;
  store<u32>(HELLO, be16(MESSAGE), HELLO_LEGACY_VERSION_AT);

  const sessionId = <i32>load<u8>(MESSAGE, FIXED_BYTES);
  let p = FIXED_BYTES + 1 + sessionId;
  if (p > length) return STATUS_LENGTH_MISMATCH;
  if (sessionId > MAX_SESSION_ID) addViolation(STATUS_SESSION_ID_TOO_LONG);
  store<u32>(HELLO, sessionId, HELLO_SESSION_ID_LENGTH_AT);

  if (proto == PROTO_DTLS) {
    if (p + 1 > length) return STATUS_HELLO_TRUNCATED;
    const cookie = <i32>load<u8>(MESSAGE + p);
    p += 1 + cookie;
    if (p > length) return STATUS_LENGTH_MISMATCH;
    store<u32>(HELLO, cookie, HELLO_COOKIE_LENGTH_AT);
  }

  if (p + 2 > length) return STATUS_HELLO_TRUNCATED;
  const ciphers = be16(MESSAGE + p);
  p += 2;
  if (p + ciphers > length) return STATUS_LENGTH_MISMATCH;
  if (ciphers > 2 * MAX_LIST_CODES) return STATUS_LIST_TOO_LONG;
  if (ciphers == 0) addViolation(STATUS_CIPHER_SUITES_EMPTY);
  if ((ciphers & 1) == 1) addViolation(STATUS_CIPHER_SUITES_ODD);
  const kept = copyCodes(CIPHERS, MESSAGE + p, ciphers >> 1);
  store<u32>(HELLO, kept, HELLO_CIPHER_COUNT_AT);
  p += ciphers;

  if (p + 1 > length) return STATUS_HELLO_TRUNCATED;
  const compression = <i32>load<u8>(MESSAGE + p);
  p += 1 + compression;
  if (p > length) return STATUS_LENGTH_MISMATCH;
  if (compression == 0) addViolation(STATUS_COMPRESSION_EMPTY);
  const methods = MESSAGE + p - compression;

  // A hello may end here: extensions came after TLS 1.0 (RFC 5246 7.4.1.2).
  const status = p == length ? 0 : readBlock(p, length);
  if (status == 0) checkCompression(methods, compression);
  return status;
}

/** Reads the extensions block at offset `p`, the last part of a hello of `length` bytes. */
function readBlock(p: i32, length: i32): i32 {
  if (p + 2 > length) return STATUS_HELLO_TRUNCATED;
  const at = p + 2;
  const block = be16(MESSAGE + p);
  if (at + block > length) return STATUS_LENGTH_MISMATCH;
  if (at + block < length) return STATUS_TRAILING_BYTES;
  addFlag(HELLO_FLAG_EXTENSIONS);
  return readExtensions(MESSAGE + at, block);
}

/** Null compression must be offered (RFC 5246 7.4.1.2), by a hello of TLS 1.3 alone (RFC 8446 4.1.2). */
function checkCompression(methods: usize, count: i32): void {
  const version = maxVersion();
  const alone = version == TLS13 || version == DTLS13;
  let hasNull = false;
  for (let i = 0; i < count; i++) if (load<u8>(methods + i) == 0) hasNull = true;
  if (!hasNull || (alone && count > 1)) addViolation(STATUS_COMPRESSION_NOT_NULL);
}

/** Copies big-endian codes into VALUES without GREASE, names them `list` and returns how many were kept. */
export function copyCodes(list: usize, at: usize, count: i32): i32 {
  const values = cursor();
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const code = be16(at + (i << 1));
    if (isGrease16(code)) {
      addFlag(HELLO_FLAG_GREASE);
    } else {
      store<u16>(values + (kept << 1), code);
      kept++;
    }
  }
  setList(list, values, kept);
  moveCursor(values + (kept << 1));
  return kept;
}
