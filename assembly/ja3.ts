/** JA3: version, suites, extensions, groups and point formats in decimal (github.com/salesforce/ja3). */
import { HELLO_LEGACY_VERSION_AT } from './abi/layout.gen';
import { HELLO, SCRATCH } from './memory';
import { CIPHERS, EXTENSIONS, GROUPS, listAt, listCount, POINT_FORMATS } from './parsed';
import { sortCodes } from './sort';
import { COMMA, DASH, writeChar, writeDecimal, writeDecimalCodes } from './text';

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
