/** Extensions that are only checked: is their content what their RFC allows in a ClientHello? */
import { be16 } from './bytes';

const MAX_FRAGMENT_LENGTH: i32 = 1;
const STATUS_REQUEST: i32 = 5;
const SIGNED_CERTIFICATE_TIMESTAMP: i32 = 18;
const ENCRYPT_THEN_MAC: i32 = 22;
const EXTENDED_MASTER_SECRET: i32 = 23;
export const COMPRESS_CERTIFICATE: i32 = 27;
const RECORD_SIZE_LIMIT: i32 = 28;
const DELEGATED_CREDENTIAL: i32 = 34;
export const EARLY_DATA: i32 = 42;
export const COOKIE: i32 = 44;
const CERTIFICATE_AUTHORITIES: i32 = 47;
const POST_HANDSHAKE_AUTH: i32 = 49;
const SIGNATURE_ALGORITHMS_CERT: i32 = 50;
/** Its first code point and the one that Chrome moved to (draft-vvv-tls-alps). */
export const ALPS: i32 = 17_513;
export const ALPS_NEW: i32 = 17_613;
const RENEGOTIATION_INFO: i32 = 0xff01;

const OCSP: i32 = 1;
const SMALLEST_RECORD: i32 = 64;
const SMALLEST_BINDER: i32 = 32;

/** True for a type that is not known here. */
export function isContentRight(type: i32, at: usize, size: i32): bool {
  switch (type) {
    // RFC 6962 3.3.1, RFC 7366 2, RFC 7627 5.1, RFC 8446 4.2.10 and 4.2.6: nothing.
    case SIGNED_CERTIFICATE_TIMESTAMP:
    case ENCRYPT_THEN_MAC:
    case EXTENDED_MASTER_SECRET:
    case EARLY_DATA:
    case POST_HANDSHAKE_AUTH:
      return size == 0;
    // RFC 6066 4: 2^9 to 2^12.
    case MAX_FRAGMENT_LENGTH:
      return size == 1 && load<u8>(at) >= 1 && load<u8>(at) <= 4;
    case STATUS_REQUEST:
      return isStatusRequest(at, size);
    // RFC 8879 3, RFC 8446 4.2.3, RFC 9345 4.1.1: codes of 16 bits.
    case COMPRESS_CERTIFICATE:
      return isVector(at, size, 1, 2);
    case SIGNATURE_ALGORITHMS_CERT:
    case DELEGATED_CREDENTIAL:
      return isVector(at, size, 2, 2);
    // RFC 8449 4.
    case RECORD_SIZE_LIMIT:
      return size == 2 && be16(at) >= SMALLEST_RECORD;
    // RFC 8446 4.2.2.
    case COOKIE:
      return isVector(at, size, 2, 1);
    // RFC 8446 4.2.4: names of 1 to 65,535 bytes.
    case CERTIFICATE_AUTHORITIES:
      return isListOfVectors(at, size, 2);
    case ALPS:
    case ALPS_NEW:
      return isListOfVectors(at, size, 1);
    // RFC 5746 3.5: empty in the first handshake of a connection.
    case RENEGOTIATION_INFO:
      return size == 1 && load<u8>(at) == 0;
    default:
      return true;
  }
}

/** A vector of items of `item` bytes after a length of `prefix` bytes, not empty, that fills the extension. */
function isVector(at: usize, size: i32, prefix: i32, item: i32): bool {
  if (size <= prefix) return false;
  const length = prefix == 1 ? <i32>load<u8>(at) : be16(at);
  return prefix + length == size && length % item == 0;
}

/** RFC 6066 8: for OCSP, responder ids and extensions; other types have no known content. */
function isStatusRequest(at: usize, size: i32): bool {
  if (size < 1) return false;
  if (load<u8>(at) != OCSP) return true;
  if (size < 5) return false;
  const ids = be16(at + 1);
  return size >= 5 + ids && 5 + ids + be16(at + 3 + ids) == size;
}

/** A list that fills the extension, of vectors that are not empty and have lengths of `prefix` bytes. */
function isListOfVectors(at: usize, size: i32, prefix: i32): bool {
  if (size < 3 + prefix || be16(at) + 2 != size) return false;
  const end = at + size;
  let p = at + 2;
  while (p < end) {
    if (p + prefix > end) return false;
    const length = prefix == 1 ? <i32>load<u8>(p) : be16(p);
    if (length == 0) return false;
    p += prefix + length;
  }
  return p == end;
}

/** RFC 8446 4.2.11: identities with their ages, and as many binders. */
export function isPreSharedKey(at: usize, size: i32): bool {
  if (size < 2) return false;
  const end = at + size;
  const binders = at + 2 + be16(at);
  if (binders + 2 > end) return false;
  let identities = 0;
  for (let p = at + 2; p < binders; p += 6 + be16(p)) {
    if (p + 2 > binders || be16(p) == 0 || p + 6 + be16(p) > binders) return false;
    identities++;
  }
  if (identities == 0 || binders + 2 + be16(binders) != end) return false;
  for (let p = binders + 2; p < end; p += 1 + load<u8>(p)) {
    if (<i32>load<u8>(p) < SMALLEST_BINDER || p + 1 + load<u8>(p) > end) return false;
    identities--;
  }
  return identities == 0;
}
