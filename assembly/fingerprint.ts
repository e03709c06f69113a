/** The fingerprints of the last parsed hello. */
import {
  FACT_HELLO_JA3,
  FACT_HELLO_JA4,
  HELLO_JA3_HASH_AT,
  HELLO_JA3N_HASH_AT,
  HELLO_JA4_AT,
  HELLO_MAX_VERSION_AT,
  TEXT_JA3,
  TEXT_JA3N,
  TEXT_JA4,
  TEXT_JA4_O,
  TEXT_JA4_R,
  TEXT_JA4_RO,
} from './abi/layout.gen';
import { isRequired } from './image';
import { writeJa3, writeJa3Hash } from './ja3';
import { writeJa4, writeJa4Raw } from './ja4';
import { md5 } from './md5';
import { DIGEST, HELLO, TEXT } from './memory';
import { isWanted } from './state';
import { writeHex } from './text';
import { maxVersion } from './version';

const MD5_BYTES: i32 = 16;
/** JA4's lists are hashed at TEXT, so its result is made here. */
const RESULT: usize = memory.data(64, 16);

/** Fills in the version, and of the two fingerprints that policies read those that somebody will. */
export function fingerprint(): void {
  store<u32>(HELLO, maxVersion(), HELLO_MAX_VERSION_AT);
  if (isWanted(TEXT_JA3) || isRequired(FACT_HELLO_JA3)) {
    writeJa3Hash(HELLO + HELLO_JA3_HASH_AT);
  } else memory.fill(HELLO + HELLO_JA3_HASH_AT, 0, MD5_BYTES << 1);
  if (isWanted(TEXT_JA4) || isRequired(FACT_HELLO_JA4)) writeJa4(HELLO + HELLO_JA4_AT, false);
  else store<u8>(HELLO, 0, HELLO_JA4_AT);
}

/** Writes one text to TEXT and returns its length, -1 for an unknown kind. JA3N also fills in its hash. */
export function writeText(kind: i32): i32 {
  if (kind == TEXT_JA3) return <i32>(writeJa3(TEXT, false) - TEXT);
  if (kind == TEXT_JA3N) {
    const length = <i32>(writeJa3(TEXT, true) - TEXT);
    md5(TEXT, length);
    writeHex(HELLO + HELLO_JA3N_HASH_AT, DIGEST, MD5_BYTES);
    return length;
  }
  if (kind == TEXT_JA4_R) return <i32>(writeJa4Raw(TEXT, false) - TEXT);
  if (kind == TEXT_JA4_RO) return <i32>(writeJa4Raw(TEXT, true) - TEXT);
  if (kind != TEXT_JA4 && kind != TEXT_JA4_O) return -1;
  const length = <i32>(writeJa4(RESULT, kind == TEXT_JA4_O) - RESULT);
  memory.copy(TEXT, RESULT, length);
  return length;
}
