/** Fact slots of the ClientHello. */
import {
  FACT_HELLO_ALPN,
  FACT_HELLO_CIPHERS,
  FACT_HELLO_EARLY_DATA,
  FACT_HELLO_ECH,
  FACT_HELLO_EXTENSIONS,
  FACT_HELLO_GREASE,
  FACT_HELLO_GROUPS,
  FACT_HELLO_JA3,
  FACT_HELLO_JA4,
  FACT_HELLO_KEY_SHARE_GROUPS,
  FACT_HELLO_MAX_VERSION,
  FACT_HELLO_PQ,
  FACT_HELLO_PSK_MODES,
  FACT_HELLO_RECORDS,
  FACT_HELLO_RESUMPTION,
  FACT_HELLO_SIGALGS,
  FACT_HELLO_SIZE,
  FACT_HELLO_SNI,
  FACT_HELLO_VERSIONS,
  HELLO_ALPN_COUNT_AT,
  HELLO_FLAG_EARLY_DATA,
  HELLO_FLAG_ECH,
  HELLO_FLAG_GREASE,
  HELLO_FLAG_PQ,
  HELLO_FLAG_RESUMPTION,
  HELLO_JA3_HASH_AT,
  HELLO_JA4_AT,
  HELLO_LEGACY_VERSION_AT,
  HELLO_MAX_VERSION_AT,
  HELLO_MESSAGE_LENGTH_AT,
  HELLO_RECORDS_AT,
} from './abi/layout.gen';
import { HELLO } from './memory';
import {
  ALPN,
  CIPHERS,
  cursor,
  EXTENSIONS,
  flags,
  GROUPS,
  KEY_SHARES,
  listAt,
  listCount,
  moveCursor,
  PSK_MODES,
  SIGALGS,
  SNI,
  VERSIONS,
} from './parsed';
import { setBytes, setCodes, setNumber, setStrings, setUnknown } from './slots';

const JA3_HASH_BYTES: i32 = 32;
const JA4_BYTES: i32 = 36;

/** Forgets every fact that parsing sets; `hello.segments` and `hello.complete_in` are the host's. */
export function setUnknownFacts(): void {
  for (let fact = FACT_HELLO_SNI; fact <= FACT_HELLO_RECORDS; fact++) setUnknown(fact);
  for (let fact = FACT_HELLO_GREASE; fact <= FACT_HELLO_PQ; fact++) setUnknown(fact);
}

/** Sets the facts from HELLO and the parsed lists. */
export function setFacts(): void {
  if (listCount(SNI) > 0) setBytes(FACT_HELLO_SNI, listAt(SNI), listCount(SNI));
  setNumber(FACT_HELLO_MAX_VERSION, load<u32>(HELLO, HELLO_MAX_VERSION_AT));
  setVersions();
  setCodeList(FACT_HELLO_CIPHERS, CIPHERS);
  setCodeList(FACT_HELLO_GROUPS, GROUPS);
  setCodeList(FACT_HELLO_KEY_SHARE_GROUPS, KEY_SHARES);
  setCodeList(FACT_HELLO_SIGALGS, SIGALGS);
  setCodeList(FACT_HELLO_EXTENSIONS, EXTENSIONS);
  setCodeList(FACT_HELLO_PSK_MODES, PSK_MODES);
  const protocols = load<i32>(HELLO, HELLO_ALPN_COUNT_AT);
  setStrings(FACT_HELLO_ALPN, protocols > 0 ? listAt(ALPN) : cursor(), listCount(ALPN), protocols);
  // A fingerprint that nobody wanted was not made.
  if (load<u8>(HELLO, HELLO_JA3_HASH_AT) != 0) {
    copyText(FACT_HELLO_JA3, HELLO + HELLO_JA3_HASH_AT, JA3_HASH_BYTES);
  }
  if (load<u8>(HELLO, HELLO_JA4_AT) != 0) copyText(FACT_HELLO_JA4, HELLO + HELLO_JA4_AT, JA4_BYTES);
  setNumber(FACT_HELLO_SIZE, load<u32>(HELLO, HELLO_MESSAGE_LENGTH_AT));
  setNumber(FACT_HELLO_RECORDS, load<u32>(HELLO, HELLO_RECORDS_AT));
  setFlag(FACT_HELLO_GREASE, HELLO_FLAG_GREASE);
  setFlag(FACT_HELLO_ECH, HELLO_FLAG_ECH);
  setFlag(FACT_HELLO_RESUMPTION, HELLO_FLAG_RESUMPTION);
  setFlag(FACT_HELLO_EARLY_DATA, HELLO_FLAG_EARLY_DATA);
  setFlag(FACT_HELLO_PQ, HELLO_FLAG_PQ);
}

function setFlag(fact: i32, flag: i32): void {
  setNumber(fact, (flags() & flag) == 0 ? 0 : 1);
}

/** An absent extension is an empty list, not an unknown one. */
function setCodeList(fact: i32, list: usize): void {
  setCodes(fact, listCount(list) > 0 ? listAt(list) : cursor(), listCount(list));
}

/** A hello without supported_versions offers its legacy_version alone. */
function setVersions(): void {
  if (listCount(VERSIONS) > 0) {
    setCodeList(FACT_HELLO_VERSIONS, VERSIONS);
    return;
  }
  const at = cursor();
  store<u16>(at, load<u32>(HELLO, HELLO_LEGACY_VERSION_AT));
  setCodes(FACT_HELLO_VERSIONS, at, 1);
  moveCursor(at + 2);
}

/** Copies whole words: what follows the last byte is overwritten by the next value. */
function copyText(fact: i32, at: usize, length: i32): void {
  const values = cursor();
  for (let i: usize = 0; i < <usize>length; i += 8) store<u64>(values + i, load<u64>(at + i));
  setBytes(fact, values, length);
  moveCursor(values + length);
}
