/** JA4 and its variants (github.com/FoxIO-LLC/ja4, technical_details/JA4.md). */
import {
  HELLO_CIPHER_COUNT_AT,
  HELLO_EXTENSION_COUNT_AT,
  HELLO_FLAG_SNI,
  HELLO_MAX_VERSION_AT,
  PROTO_DTLS,
  PROTO_QUIC,
} from './abi/layout.gen';
import { DIGEST, HELLO, SCRATCH, TEXT } from './memory';
import { ALPN, CIPHERS, EXTENSIONS, flags, listAt, listCount, proto, SIGALGS } from './parsed';
import { sha256 } from './sha256';
import { sortCodes } from './sort';
import { hexDigit, UNDERSCORE, writeChar, writeChars, writeHex, writeHexCodes, ZERO } from './text';

const SERVER_NAME: i32 = 0;
const APPLICATION_LAYER_PROTOCOL: i32 = 16;
const MAX_COUNT: i32 = 99;
const HASH_BYTES: i32 = 6;

/** Writes the fingerprint with the two lists hashed: JA4, or JA4_o when they keep the hello's order. */
export function writeJa4(out: usize, original: bool): usize {
  let p = writeChar(writePrefix(out), UNDERSCORE);
  p = writeHash(p, TEXT, writeCiphers(TEXT, original));
  p = writeChar(p, UNDERSCORE);
  const extensions = prepareExtensions(original);
  // why: without extensions the part is zeros even when nothing else is missing, as with an empty list.
  return writeHash(p, TEXT, extensions == 0 ? TEXT : writeExtensions(TEXT, extensions));
}

/** Writes the fingerprint with the two lists in full: JA4_r, or JA4_ro when they keep the hello's order. */
export function writeJa4Raw(out: usize, original: bool): usize {
  let p = writeChar(writePrefix(out), UNDERSCORE);
  p = writeChar(writeCiphers(p, original), UNDERSCORE);
  return writeExtensions(p, prepareExtensions(original));
}

/** JA4_a: protocol, version, SNI flag, two counts and the first ALPN value's ends. */
function writePrefix(out: usize): usize {
  let p = writeChar(out, proto() == PROTO_DTLS ? 0x64 : proto() == PROTO_QUIC ? 0x71 : 0x74);
  p = writeChars(p, versionChars(load<i32>(HELLO, HELLO_MAX_VERSION_AT)), 2);
  p = writeChar(p, (flags() & HELLO_FLAG_SNI) != 0 ? 0x64 : 0x69);
  p = writeCount(p, load<i32>(HELLO, HELLO_CIPHER_COUNT_AT));
  p = writeCount(p, load<i32>(HELLO, HELLO_EXTENSION_COUNT_AT));
  return writeAlpn(p);
}

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

function writeCount(out: usize, count: i32): usize {
  const shown = min(count, MAX_COUNT);
  return writeChar(writeChar(out, ZERO + shown / 10), ZERO + (shown % 10));
}

/** First and last character; of a value that has other ends, first and last digit of its hexadecimal form. */
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

function writeCiphers(out: usize, original: bool): usize {
  const count = listCount(CIPHERS);
  if (original) return writeHexCodes(out, listAt(CIPHERS), count);
  memory.copy(SCRATCH, listAt(CIPHERS), count << 1);
  sortCodes(SCRATCH, count);
  return writeHexCodes(out, SCRATCH, count);
}

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

/** The extensions in SCRATCH, then the signature algorithms in the hello's order if there are any. */
function writeExtensions(out: usize, count: i32): usize {
  const p = writeHexCodes(out, SCRATCH, count);
  const sigalgs = listCount(SIGALGS);
  return sigalgs == 0 ? p : writeHexCodes(writeChar(p, UNDERSCORE), listAt(SIGALGS), sigalgs);
}

/** First 12 hexadecimal digits of the SHA-256 of a text; zeros for none. */
function writeHash(out: usize, at: usize, end: usize): usize {
  if (at == end) {
    memory.fill(out, 0x30, HASH_BYTES << 1);
    return out + (HASH_BYTES << 1);
  }
  sha256(at, <i32>(end - at));
  return writeHex(out, DIGEST, HASH_BYTES);
}
