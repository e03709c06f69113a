/**
 * JA4 and its variants. Lines that begin with `//#` quote the rule that the code below them follows, from
 * github.com/FoxIO-LLC/ja4, technical_details/JA4.md, under the heading they name.
 */
import {
  HELLO_CIPHER_COUNT_AT,
  HELLO_EXTENSION_COUNT_AT,
  HELLO_FLAG_SNI,
  HELLO_MAX_VERSION_AT,
  PROTO_DTLS,
  PROTO_QUIC,
} from './abi/layout.gen';
import { addToKey, recall, remember, startKey } from './memo';
import { DIGEST, HELLO, SCRATCH, TEXT } from './memory';
import { ALPN, CIPHERS, EXTENSIONS, flags, listAt, listCount, proto, SIGALGS } from './parsed';
import { sha256 } from './sha256';
import { sortCodes } from './sort';
import { hexDigit, UNDERSCORE, writeChar, writeChars, writeHex, writeHexCodes, ZERO } from './text';

const SERVER_NAME: i32 = 0;
const APPLICATION_LAYER_PROTOCOL: i32 = 16;
const MAX_COUNT: i32 = 99;
const HASH_BYTES: i32 = 6;
/** Kinds of keys: lists hashed in ascending or in the hello's order; extensions without or with any to hash. */
const CIPHERS_KEY: u32 = 0x10;
const EXTENSIONS_KEY: u32 = 0x20;

/** Writes the fingerprint with the two lists hashed: JA4, or JA4_o when they keep the hello's order. */
export function writeJa4(out: usize, original: bool): usize {
  let p = writeChar(writePrefix(out), UNDERSCORE);
  p = writeChar(writeCipherHash(p, original), UNDERSCORE);
  return writeExtensionHash(p, original);
}

//# Cipher hash: If there are no ciphers in the sorted cipher list, then the value of JA4_b is set to
//# `000000000000`
function writeCipherHash(out: usize, original: bool): usize {
  startKey(CIPHERS_KEY + (original ? 1 : 0));
  addToKey(listAt(CIPHERS), listCount(CIPHERS) << 1);
  const known = recall();
  return known != 0 ? copyHash(out, known) : writeHash(out, TEXT, writeCiphers(TEXT, original));
}

//# Extension hash: If there are no extensions in the sorted extensions list, then the value of JA4_c is set to
//# `000000000000`
function writeExtensionHash(out: usize, original: bool): usize {
  let count = prepareExtensions(false);
  const none = count == 0;
  if (original) count = prepareExtensions(true);
  startKey(EXTENSIONS_KEY + (none ? 1 : 0));
  addToKey(SCRATCH, count << 1);
  addToKey(listAt(SIGALGS), listCount(SIGALGS) << 1);
  const known = recall();
  return known != 0 ? copyHash(out, known) : writeHash(out, TEXT, none ? TEXT : writeExtensions(TEXT, count));
}

/** The 12 digits of a hash that was made before. */
function copyHash(out: usize, from: usize): usize {
  store<u64>(out, load<u64>(from));
  store<u32>(out, load<u32>(from, 8), 8);
  return out + (HASH_BYTES << 1);
}

//# Raw Output: The program should allow for raw outputs either sorted or original.
/** Writes the fingerprint with the two lists in full: JA4_r, or JA4_ro when they keep the hello's order. */
export function writeJa4Raw(out: usize, original: bool): usize {
  let p = writeChar(writePrefix(out), UNDERSCORE);
  p = writeChar(writeCiphers(p, original), UNDERSCORE);
  return writeExtensions(p, prepareExtensions(original));
}

/** JA4_a: protocol, version, SNI flag, two counts and the first ALPN value's ends. */
function writePrefix(out: usize): usize {
  //# QUIC and DTLS: If the protocol is QUIC then the first character of the fingerprint is "q", if DTLS it is "d",
  //# else it is "t".
  let p = writeChar(out, proto() == PROTO_DTLS ? 0x64 : proto() == PROTO_QUIC ? 0x71 : 0x74);
  p = writeChars(p, versionChars(load<i32>(HELLO, HELLO_MAX_VERSION_AT)), 2);
  //# SNI: If the SNI extension (0x0000) exists, then the destination of the connection is a domain, or "d" in the
  //# fingerprint. If the SNI does not exist, then the destination is an IP address, or "i".
  p = writeChar(p, (flags() & HELLO_FLAG_SNI) != 0 ? 0x64 : 0x69);
  p = writeCount(p, load<i32>(HELLO, HELLO_CIPHER_COUNT_AT));
  //# Number of Extensions: Same as counting ciphers. Ignore GREASE. Include SNI and ALPN.
  p = writeCount(p, load<i32>(HELLO, HELLO_EXTENSION_COUNT_AT));
  return writeAlpn(p);
}

//# TLS and DTLS Version: If extension 0x002b exists (supported_versions), then the version is the highest value in
//# the extension. Remember to ignore GREASE values. If the extension doesn't exist, then the TLS version is the
//# value of the Protocol Version. [...] Unknown = "00"
/** Two characters, the first in the low byte. */
function versionChars(version: i32): u32 {
  if (version >= 0x0301 && version <= 0x0304) return 0x31 | ((0x2f + (version & 15)) << 8);
  if (version == 0x0300) return 0x3373;
  if (version == 0x0002) return 0x3273;
  if (version == 0xfeff) return 0x3164;
  if (version == 0xfefd) return 0x3264;
  if (version == 0xfefc) return 0x3364;
  return 0x3030;
}

//# Number of Ciphers: 2 character number of cipher suites, so if there's 6 cipher suites in the hello packet, then
//# the value should be "06". If there's > 99, which there should never be, then output "99". Remember, ignore GREASE
//# values.
function writeCount(out: usize, count: i32): usize {
  const shown = min(count, MAX_COUNT);
  return writeChar(writeChar(out, ZERO + shown / 10), ZERO + (shown % 10));
}

//# ALPN Extension Value: The first and last ASCII alphanumeric characters of the ALPN (Application-Layer Protocol
//# Negotiation) first value. [...] If there is no ALPN extension, no ALPN values, or the first ALPN value is empty,
//# then we print "00" as the value in the fingerprint. [...] If the first or last byte of the first ALPN is not an
//# ASCII alphanumeric character (meaning not `0x30-0x39`, `0x41-0x5A`, or `0x61-0x7A`), then we print the first and
//# last characters of the hex representation of the first ALPN instead.
function writeAlpn(out: usize): usize {
  if (listCount(ALPN) == 0) return writeChar(writeChar(out, ZERO), ZERO);
  const at = listAt(ALPN);
  const first = <i32>load<u8>(at, 1);
  const last = <i32>load<u8>(at + load<u8>(at));
  if (isAlphanumeric(first) && isAlphanumeric(last)) return writeChar(writeChar(out, first), last);
  return writeChar(writeChar(out, hexDigit(first >> 4)), hexDigit(last & 15));
}

function isAlphanumeric(byte: i32): bool {
  const letter = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a);
}

//# Cipher hash: The list is created using the 4 character hex values of the ciphers, lower case, comma delimited,
//# ignoring GREASE yet still including other non-cipher values such as SCSV (0x00FF, 0x5600) and
//# Experimental/Reserved values (0xFE00-0xFEFF).
function writeCiphers(out: usize, original: bool): usize {
  const count = listCount(CIPHERS);
  if (original) return writeHexCodes(out, listAt(CIPHERS), count);
  memory.copy(SCRATCH, listAt(CIPHERS), count << 1);
  sortCodes(SCRATCH, count);
  return writeHexCodes(out, SCRATCH, count);
}

//# Extension hash: The extension list is created using the 4 character hex values of the extensions, lower case,
//# comma delimited, sorted (not in the order they appear). Ignore the SNI extension (0000) and the ALPN extension
//# (0010) as we've already captured them in the _a_ section of the fingerprint.
/** Puts the extensions JA4_c speaks of into SCRATCH: all in order, or sorted without SNI and ALPN. Returns how many. */
function prepareExtensions(original: bool): i32 {
  const at = listAt(EXTENSIONS);
  const count = listCount(EXTENSIONS);
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const type = <i32>load<u16>(at + (i << 1));
    if (!original && (type == SERVER_NAME || type == APPLICATION_LAYER_PROTOCOL)) continue;
    store<u16>(SCRATCH + (kept << 1), type);
    kept++;
  }
  if (!original) sortCodes(SCRATCH, kept);
  return kept;
}

//# Extension hash: The signature algorithm hex values are then added to the end of the list in the order that they
//# appear (not sorted) with an underscore delimiting the two lists. [...] If there are no signature algorithms in the
//# hello packet, then the string ends without an underscore and is hashed.
/** The extensions in SCRATCH, then the signature algorithms in the hello's order if there are any. */
function writeExtensions(out: usize, count: i32): usize {
  const p = writeHexCodes(out, SCRATCH, count);
  const sigalgs = listCount(SIGALGS);
  return sigalgs == 0 ? p : writeHexCodes(writeChar(p, UNDERSCORE), listAt(SIGALGS), sigalgs);
}

//# Cipher hash: A 12 character truncated sha256 hash of the list of ciphers sorted in hex order, first 12 characters.
/** First 12 hexadecimal digits of the SHA-256 of a text; zeros for none. Kept for the key that was looked up. */
function writeHash(out: usize, at: usize, end: usize): usize {
  if (at == end) memory.fill(out, 0x30, HASH_BYTES << 1);
  else {
    sha256(at, <i32>(end - at));
    writeHex(out, DIGEST, HASH_BYTES);
  }
  remember(out, HASH_BYTES << 1);
  return out + (HASH_BYTES << 1);
}
