/** TCP options, quirks and the text of a SYN signature, as p0f 3 defines them. */
import {
  SYN_HOPS_AT,
  SYN_MSS_AT,
  SYN_OPTIONS_LENGTH_AT,
  SYN_PAYLOAD_AT,
  SYN_QUIRKS_AT,
  SYN_SCALE_AT,
  SYN_TTL_AT,
  SYN_VERSION_AT,
  SYN_WINDOW_AT,
} from './abi/layout.gen';
import { be16, be32 } from './bytes';
import { SYN } from './memory';
import { COLON, COMMA, PLUS, writeChar, writeChars, writeDecimal, ZERO } from './text';

export const QUIRK_DF: i32 = 0;
export const QUIRK_ID_NONZERO: i32 = 1;
export const QUIRK_ID_ZERO: i32 = 2;
export const QUIRK_ECN: i32 = 3;
export const QUIRK_MUST_BE_ZERO: i32 = 4;
export const QUIRK_FLOW: i32 = 5;
export const QUIRK_SEQ_ZERO: i32 = 6;
export const QUIRK_ACK_NONZERO: i32 = 7;
export const QUIRK_URGENT_POINTER: i32 = 8;
export const QUIRK_URGENT: i32 = 9;
export const QUIRK_PUSH: i32 = 10;
const QUIRK_TIME_ZERO: i32 = 11;
const QUIRK_PEER_TIME: i32 = 12;
const QUIRK_OPTION_PADDING: i32 = 13;
const QUIRK_LARGE_SCALE: i32 = 14;
const QUIRK_BAD_OPTION: i32 = 15;
const QUIRKS: i32 = 16;

/** Names of the quirks, padded to 8 bytes. */
const QUIRK_NAMES: usize = memory.data<u8>([
  0x64, 0x66, 0, 0, 0, 0, 0, 0, 0x69, 0x64, 0x2b, 0, 0, 0, 0, 0, 0x69, 0x64, 0x2d, 0, 0, 0, 0, 0, 0x65, 0x63,
  0x6e, 0, 0, 0, 0, 0, 0x30, 0x2b, 0, 0, 0, 0, 0, 0, 0x66, 0x6c, 0x6f, 0x77, 0, 0, 0, 0, 0x73, 0x65, 0x71,
  0x2d, 0, 0, 0, 0, 0x61, 0x63, 0x6b, 0x2b, 0, 0, 0, 0, 0x75, 0x70, 0x74, 0x72, 0x2b, 0, 0, 0, 0x75, 0x72,
  0x67, 0x66, 0x2b, 0, 0, 0, 0x70, 0x75, 0x73, 0x68, 0x66, 0x2b, 0, 0, 0x74, 0x73, 0x31, 0x2d, 0, 0, 0, 0,
  0x74, 0x73, 0x32, 0x2b, 0, 0, 0, 0, 0x6f, 0x70, 0x74, 0x2b, 0, 0, 0, 0, 0x65, 0x78, 0x77, 0x73, 0, 0, 0, 0,
  0x62, 0x61, 0x64, 0, 0, 0, 0, 0,
]);

const END: i32 = 0;
const NOP: i32 = 1;
const MSS: i32 = 2;
const SCALE: i32 = 3;
const SACK_OK: i32 = 4;
const SACK: i32 = 5;
const TIMESTAMPS: i32 = 8;
const MAX_SCALE: u32 = 14;
const MIN_SACK: i32 = 10;
const MAX_SACK: i32 = 34;
const MAX_OPTION: i32 = 40;
const MAX_OPTIONS: i32 = 24;
/** p0f shows no distance beyond this. */
const MAX_HOPS: i32 = 35;

/** Kinds of the options in order; their count, the padding after the end mark, and the last TSval. */
const KINDS: usize = memory.data(24, 8);
const KIND_COUNT: usize = memory.data(16, 8);
const PADDING: usize = KIND_COUNT + 4;
const TIME: usize = KIND_COUNT + 8;

export function addQuirk(quirk: i32): void {
  store<u32>(SYN, load<u32>(SYN, SYN_QUIRKS_AT) | (1 << quirk), SYN_QUIRKS_AT);
}

/**
 * Reads the options (RFC 9293 3.1, RFC 7323, RFC 2018) as p0f does: one of known length takes its place
 * whatever length it claims, a list that cannot be followed ends, and both give the quirk `bad`.
 */
export function readOptions(at: usize, length: i32): void {
  memory.fill(KIND_COUNT, 0, 16);
  const end = at + length;
  let count = 0;
  let p = at;
  while (p < end && count < MAX_OPTIONS) {
    const kind = <i32>load<u8>(p);
    store<u8>(KINDS + count, kind);
    count++;
    store<i32>(KIND_COUNT, count);
    if (kind == END) {
      readPadding(p + 1, end);
      return;
    }
    const size = kind == NOP ? 1 : readOption(kind, p, <i32>(end - p));
    if (size == 0) break;
    p += size;
  }
  if (p != end) addQuirk(QUIRK_BAD_OPTION);
}

/** What follows the end mark; p0f does not look at the last byte. */
function readPadding(at: usize, end: usize): void {
  store<i32>(PADDING, <i32>(end - at));
  for (let p = at; p + 1 < end; p++) if (load<u8>(p) != 0) addQuirk(QUIRK_OPTION_PADDING);
}

/** Takes in an option of which `left` bytes are there and returns its size, 0 when the list cannot be followed. */
function readOption(kind: i32, at: usize, left: i32): i32 {
  const known = knownSize(kind);
  if (left < max(known, 2)) return 0;
  const size = <i32>load<u8>(at, 1);
  if (known == 0) {
    const least = kind == SACK ? MIN_SACK : 2;
    const most = kind == SACK ? MAX_SACK : MAX_OPTION;
    return size >= least && size <= most && size <= left ? size : 0;
  }
  if (size != known) addQuirk(QUIRK_BAD_OPTION);
  if (kind == MSS) store<u32>(SYN, be16(at + 2), SYN_MSS_AT);
  else if (kind == SCALE) readScale(load<u8>(at, 2));
  else if (kind == TIMESTAMPS) readTimestamps(be32(at + 2), be32(at + 6));
  return known;
}

/** 0 for an option that gives its length itself. */
function knownSize(kind: i32): i32 {
  if (kind == MSS) return 4;
  if (kind == SCALE) return 3;
  if (kind == SACK_OK) return 2;
  return kind == TIMESTAMPS ? 10 : 0;
}

function readScale(scale: u32): void {
  store<u32>(SYN, scale, SYN_SCALE_AT);
  if (scale > MAX_SCALE) addQuirk(QUIRK_LARGE_SCALE);
}

function readTimestamps(value: u32, echo: u32): void {
  store<u32>(TIME, value);
  if (value == 0) addQuirk(QUIRK_TIME_ZERO);
  if (echo != 0) addQuirk(QUIRK_PEER_TIME);
}

/** Writes the signature; `headers` is the length of the IP and TCP headers together. */
export function writeSignature(out: usize, headers: i32): usize {
  let p = writeChar(writeDecimal(out, load<u32>(SYN, SYN_VERSION_AT)), COLON);
  p = writeChar(writeDecimal(p, load<u32>(SYN, SYN_TTL_AT)), PLUS);
  const hops = load<i32>(SYN, SYN_HOPS_AT);
  p = hops > MAX_HOPS ? writeChar(p, 0x3f) : writeDecimal(p, hops);
  p = writeChar(p, COLON);
  p = writeChar(writeDecimal(p, load<u32>(SYN, SYN_OPTIONS_LENGTH_AT)), COLON);
  p = writeChar(writeDecimal(p, load<u32>(SYN, SYN_MSS_AT)), COLON);
  p = writeWindow(p, headers);
  p = writeChar(writeDecimal(writeChar(p, COMMA), load<u32>(SYN, SYN_SCALE_AT)), COLON);
  p = writeChar(writeKinds(p), COLON);
  p = writeChar(writeQuirks(p), COLON);
  return writeChar(p, load<u32>(SYN, SYN_PAYLOAD_AT) > 0 ? PLUS : ZERO);
}

/** The window, as a multiple of the MSS or MTU where it is one. */
function writeWindow(out: usize, headers: i32): usize {
  const window = load<i32>(SYN, SYN_WINDOW_AT);
  const mss = load<i32>(SYN, SYN_MSS_AT);
  if (window == 0 || mss < 100) return writeDecimal(out, window);
  const ip6 = load<i32>(SYN, SYN_VERSION_AT) == 6;
  let unit = 0;
  // The divisors p0f tries, in its order: some systems reckon with the MTU of another link, or less 12 bytes for timestamps.
  if (window % mss == 0) unit = mss;
  else if (load<u32>(TIME) != 0 && window % (mss - 12) == 0) unit = mss - 12;
  else if (window % 1_460 == 0) unit = 1_460;
  else if (window % 1_448 == 0) unit = 1_448;
  else if (ip6 && window % 1_440 == 0) unit = 1_440;
  else if (ip6 && window % 1_428 == 0) unit = 1_428;
  if (unit > 0) return writeMultiple(out, 0x2a_73_73_6d, window / unit);
  if (window % (mss + 40) == 0) unit = mss + 40;
  else if (window % (mss + headers) == 0) unit = mss + headers;
  else if (ip6 && window % (mss + 60) == 0) unit = mss + 60;
  else if (window % 1_500 == 0) unit = 1_500;
  if (unit > 0) return writeMultiple(out, 0x2a_75_74_6d, window / unit);
  return writeDecimal(out, window);
}

function writeMultiple(out: usize, name: u32, times: i32): usize {
  return writeDecimal(writeChars(out, name, 4), times);
}

function writeKinds(out: usize): usize {
  let p = out;
  const count = load<i32>(KIND_COUNT);
  for (let i = 0; i < count; i++) {
    if (i > 0) p = writeChar(p, COMMA);
    const kind = <i32>load<u8>(KINDS + i);
    if (kind == END) p = writeDecimal(writeChars(p, 0x2b_6c_6f_65, 4), load<i32>(PADDING));
    else if (kind == NOP) p = writeChars(p, 0x70_6f_6e, 3);
    else if (kind == MSS) p = writeChars(p, 0x73_73_6d, 3);
    else if (kind == SCALE) p = writeChars(p, 0x73_77, 2);
    else if (kind == SACK_OK) p = writeChars(p, 0x6b_6f_73, 3);
    else if (kind == SACK) p = writeChars(p, 0x6b_63_61_73, 4);
    else if (kind == TIMESTAMPS) p = writeChars(p, 0x73_74, 2);
    else p = writeDecimal(writeChar(p, 0x3f), kind);
  }
  return p;
}

function writeQuirks(out: usize): usize {
  const quirks = load<u32>(SYN, SYN_QUIRKS_AT);
  let p = out;
  for (let i = 0; i < QUIRKS; i++) {
    if (((quirks >> i) & 1) == 0) continue;
    if (p > out) p = writeChar(p, COMMA);
    for (let name = QUIRK_NAMES + (i << 3); load<u8>(name) != 0; name++) p = writeChar(p, load<u8>(name));
  }
  return p;
}
