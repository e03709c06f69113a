/** The IP and TCP headers of a SYN to p0f 3's raw signature: version:ttl+hops:olen:mss:window,scale:options:quirks:payload. */
import {
  FACT_CONN_MSS,
  FACT_CONN_SYN,
  FACT_CONN_TTL,
  FACT_CONN_WINDOW,
  STATUS_SYN_FRAGMENT,
  STATUS_SYN_NOT_SYN,
  STATUS_SYN_NOT_TCP,
  STATUS_SYN_TRUNCATED,
  SYN_BYTES,
  SYN_HOPS_AT,
  SYN_MSS_AT,
  SYN_OPTIONS_LENGTH_AT,
  SYN_PAYLOAD_AT,
  SYN_SIG_AT,
  SYN_SIG_LENGTH_AT,
  SYN_SIZE_AT,
  SYN_STATUS_AT,
  SYN_TTL_AT,
  SYN_VERSION_AT,
  SYN_WINDOW_AT,
} from './abi/layout.gen';
import { be16, be32 } from './bytes';
import { SYN, SYN_VALUES } from './memory';
import { setBytes, setNumber, setUnknown } from './slots';
import {
  addQuirk,
  QUIRK_ACK_NONZERO,
  QUIRK_DF,
  QUIRK_ECN,
  QUIRK_FLOW,
  QUIRK_ID_NONZERO,
  QUIRK_ID_ZERO,
  QUIRK_MUST_BE_ZERO,
  QUIRK_PUSH,
  QUIRK_SEQ_ZERO,
  QUIRK_URGENT,
  QUIRK_URGENT_POINTER,
  readOptions,
  writeSignature,
} from './syn-signature';

const TCP: i32 = 6;
const MIN_TCP: i32 = 20;
const IP4_HEADER: i32 = 20;
const IP6_HEADER: i32 = 40;
const FLAG_FIN: i32 = 1;
const FLAG_SYN: i32 = 2;
const FLAG_RST: i32 = 4;
const FLAG_PSH: i32 = 8;
const FLAG_ACK: i32 = 16;
const FLAG_URG: i32 = 32;
const FLAGS_ECN: i32 = 0xc0;

/** Fills in SYN from the packet of `length` bytes at `at`: 0, or why it could not be read. */
export function parseSyn(at: usize, length: i32): i32 {
  memory.fill(SYN, 0, SYN_BYTES);
  store<u32>(SYN, SYN_BYTES, SYN_SIZE_AT);
  const status = parse(at, length);
  store<i32>(SYN, status, SYN_STATUS_AT);
  return status;
}

function parse(at: usize, length: i32): i32 {
  if (length < 1) return STATUS_SYN_TRUNCATED;
  const version = <i32>load<u8>(at) >> 4;
  store<u32>(SYN, version, SYN_VERSION_AT);
  const header = version == 4 ? readIp4(at, length) : version == 6 ? readIp6(at, length) : STATUS_SYN_NOT_TCP;
  return header < 0 ? header : readTcp(at, header, length);
}

/** Length of the IPv4 header (RFC 791), or a status. */
function readIp4(at: usize, length: i32): i32 {
  if (length < IP4_HEADER) return STATUS_SYN_TRUNCATED;
  const header = (<i32>load<u8>(at) & 15) << 2;
  const total = be16(at + 2);
  if (header < IP4_HEADER || load<u8>(at, 9) != TCP) return STATUS_SYN_NOT_TCP;
  const fragment = be16(at + 6);
  if ((fragment & 0x3fff) != 0) return STATUS_SYN_FRAGMENT;
  store<u32>(SYN, load<u8>(at, 8), SYN_TTL_AT);
  store<u32>(SYN, header - IP4_HEADER, SYN_OPTIONS_LENGTH_AT);
  store<i32>(SYN, total, SYN_PAYLOAD_AT);
  if ((load<u8>(at, 1) & 3) != 0) addQuirk(QUIRK_ECN);
  if ((fragment & 0x8000) != 0) addQuirk(QUIRK_MUST_BE_ZERO);
  const id = be16(at + 4);
  if ((fragment & 0x4000) != 0) {
    addQuirk(QUIRK_DF);
    if (id != 0) addQuirk(QUIRK_ID_NONZERO);
  } else if (id == 0) addQuirk(QUIRK_ID_ZERO);
  return header;
}

/** Length of the IPv6 header (RFC 8200), or a status; extension headers are not followed, as in p0f. */
function readIp6(at: usize, length: i32): i32 {
  if (length < IP6_HEADER) return STATUS_SYN_TRUNCATED;
  const next = load<u8>(at, 6);
  if (next == 44) return STATUS_SYN_FRAGMENT;
  if (next != TCP) return STATUS_SYN_NOT_TCP;
  const first = be32(at);
  store<u32>(SYN, load<u8>(at, 7), SYN_TTL_AT);
  store<i32>(SYN, IP6_HEADER + be16(at + 4), SYN_PAYLOAD_AT);
  if ((first & 0xfffff) != 0) addQuirk(QUIRK_FLOW);
  if (((first >> 20) & 3) != 0) addQuirk(QUIRK_ECN);
  return IP6_HEADER;
}

/** The TCP header (RFC 9293) after `header` bytes of IP, which told the packet's length in SYN_PAYLOAD. */
function readTcp(at: usize, header: i32, length: i32): i32 {
  const total = load<i32>(SYN, SYN_PAYLOAD_AT);
  const available = min(length, total);
  if (available < header + MIN_TCP) return STATUS_SYN_TRUNCATED;
  const tcp = at + header;
  const offset = (<i32>load<u8>(tcp, 12) >> 4) << 2;
  if (offset < MIN_TCP) return STATUS_SYN_NOT_TCP;
  if (available < header + offset) return STATUS_SYN_TRUNCATED;
  const bits = <i32>load<u8>(tcp, 13);
  if ((bits & (FLAG_SYN | FLAG_ACK | FLAG_RST | FLAG_FIN)) != FLAG_SYN) return STATUS_SYN_NOT_SYN;
  if ((bits & FLAGS_ECN) != 0 || (load<u8>(tcp, 12) & 1) != 0) addQuirk(QUIRK_ECN);
  if (be32(tcp + 4) == 0) addQuirk(QUIRK_SEQ_ZERO);
  // p0f means any number that is not zero, and tests one bit: that of the first byte, on little-endian machines.
  if ((load<u8>(tcp, 8) & 1) != 0) addQuirk(QUIRK_ACK_NONZERO);
  if ((bits & FLAG_URG) != 0) addQuirk(QUIRK_URGENT);
  else if (be16(tcp + 18) != 0) addQuirk(QUIRK_URGENT_POINTER);
  if ((bits & FLAG_PSH) != 0) addQuirk(QUIRK_PUSH);
  store<u32>(SYN, be16(tcp + 14), SYN_WINDOW_AT);
  store<u32>(SYN, hopsOf(load<i32>(SYN, SYN_TTL_AT)), SYN_HOPS_AT);
  store<i32>(SYN, total - header - offset, SYN_PAYLOAD_AT);
  readOptions(tcp + MIN_TCP, offset - MIN_TCP);
  const end = writeSignature(SYN + SYN_SIG_AT, header + offset);
  store<u32>(SYN, <u32>(end - SYN - SYN_SIG_AT), SYN_SIG_LENGTH_AT);
  return 0;
}

/** Routers passed, from the usual initial TTLs. */
function hopsOf(ttl: i32): i32 {
  return (ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255) - ttl;
}

/** Sets the `conn.*` facts of the last SYN, or makes them unknown when it could not be read. */
export function setSynFacts(): void {
  setUnknown(FACT_CONN_MSS);
  if (load<i32>(SYN, SYN_STATUS_AT) < 0) {
    setUnknown(FACT_CONN_SYN);
    setUnknown(FACT_CONN_TTL);
    setUnknown(FACT_CONN_WINDOW);
    return;
  }
  const length = load<i32>(SYN, SYN_SIG_LENGTH_AT);
  memory.copy(SYN_VALUES, SYN + SYN_SIG_AT, length);
  setBytes(FACT_CONN_SYN, SYN_VALUES, length);
  setNumber(FACT_CONN_TTL, load<u32>(SYN, SYN_TTL_AT));
  setNumber(FACT_CONN_WINDOW, load<u32>(SYN, SYN_WINDOW_AT));
  const mss = load<u32>(SYN, SYN_MSS_AT);
  if (mss > 0) setNumber(FACT_CONN_MSS, mss);
}
