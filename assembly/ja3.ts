/** JA3: version, suites, extensions, groups and point formats in decimal (github.com/salesforce/ja3). */
import { HELLO_LEGACY_VERSION_AT } from './abi/layout.gen';
import { md5 } from './md5';
import { addToKey, recall, remember, startKey } from './memo';
import { DIGEST, HELLO, SCRATCH, TEXT } from './memory';
import { CIPHERS, EXTENSIONS, GROUPS, listAt, listCount, POINT_FORMATS } from './parsed';
import { sortCodes } from './sort';
import { COMMA, DASH, writeChar, writeDecimal, writeDecimalCodes, writeHex } from './text';

const KEY: u32 = 0x30;
const HEADER: usize = memory.data(8, 8);
const DIGITS: i32 = 32;

/** Writes the 32 hexadecimal digits of JA3, the MD5 of its string. */
export function writeJa3Hash(out: usize): void {
  startKey(KEY);
  store<u32>(HEADER, load<u32>(HELLO, HELLO_LEGACY_VERSION_AT));
  addToKey(HEADER, 4);
  addToKey(listAt(CIPHERS), listCount(CIPHERS) << 1);
  addToKey(listAt(EXTENSIONS), listCount(EXTENSIONS) << 1);
  addToKey(listAt(GROUPS), listCount(GROUPS) << 1);
  addToKey(listAt(POINT_FORMATS), listCount(POINT_FORMATS));
  const known = recall();
  if (known != 0) {
    for (let i: usize = 0; i < 32; i += 8) store<u64>(out + i, load<u64>(known + i));
    return;
  }
  md5(TEXT, <i32>(writeJa3(TEXT, false) - TEXT));
  writeHex(out, DIGEST, DIGITS >> 1);
  remember(out, DIGITS);
}

/** Writes the JA3 string, or with `sorted` the JA3N string, whose extensions are in ascending order. */
export function writeJa3(out: usize, sorted: bool): usize {
  let p = writeDecimal(out, load<u32>(HELLO, HELLO_LEGACY_VERSION_AT));
  p = writeChar(p, COMMA);
  p = writeDecimalCodes(p, listAt(CIPHERS), listCount(CIPHERS));
  p = writeChar(p, COMMA);
  const count = listCount(EXTENSIONS);
  let extensions = listAt(EXTENSIONS);
  if (sorted) {
    memory.copy(SCRATCH, extensions, count << 1);
    sortCodes(SCRATCH, count);
    extensions = SCRATCH;
  }
  p = writeDecimalCodes(p, extensions, count);
  p = writeChar(p, COMMA);
  p = writeDecimalCodes(p, listAt(GROUPS), listCount(GROUPS));
  p = writeChar(p, COMMA);
  const formats = listAt(POINT_FORMATS);
  for (let i = 0; i < listCount(POINT_FORMATS); i++) {
    if (i > 0) p = writeChar(p, DASH);
    p = writeDecimal(p, load<u8>(formats + i));
  }
  return p;
}
