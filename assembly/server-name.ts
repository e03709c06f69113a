/** server_name (RFC 6066 3) and the one form of a host name that everything is decided by. */
import {
  HELLO_FLAG_SNI,
  HELLO_FLAG_SNI_ADDRESS,
  HELLO_NAME_LENGTH_AT,
  HELLO_NAME_OFFSET_AT,
  HELLO_SNI_LENGTH_AT,
  HELLO_SNI_OFFSET_AT,
  STATUS_SNI_MALFORMED,
  STATUS_SNI_NOT_A_NAME,
} from './abi/layout.gen';
import { be16 } from './bytes';
import { HELLO, MESSAGE, VALUES } from './memory';
import { addFlag, addViolation, cursor, moveCursor, SNI, setList } from './parsed';

const HOST_NAME: i32 = 0;
const DOT: i32 = 0x2e;
/** RFC 1035 2.3.4, without the final dot. */
const MAX_NAME: i32 = 253;
const MAX_LABEL: i32 = 63;

/** A list of names, of which only host names exist, and only one of each type may come. */
export function readServerName(at: usize, size: i32): void {
  addFlag(HELLO_FLAG_SNI);
  if (size < 5 || be16(at) + 2 != size || load<u8>(at, 2) != HOST_NAME || be16(at + 3) + 5 != size) {
    addViolation(STATUS_SNI_MALFORMED);
    return;
  }
  const length = size - 5;
  store<u32>(HELLO, <u32>(at + 5 - MESSAGE), HELLO_SNI_OFFSET_AT);
  store<u32>(HELLO, length, HELLO_SNI_LENGTH_AT);
  const dotted = length > 1 && load<u8>(at + 4 + length) == DOT;
  const name = dotted ? length - 1 : length;
  const values = cursor();
  if (name == 0 || name > MAX_NAME || !copyName(values, at + 5, name)) {
    addViolation(STATUS_SNI_NOT_A_NAME);
    return;
  }
  setList(SNI, values, name);
  moveCursor(values + name);
  store<u32>(HELLO, <u32>(values - VALUES), HELLO_NAME_OFFSET_AT);
  store<u32>(HELLO, name, HELLO_NAME_LENGTH_AT);
}

/**
 * Copies a name in lower case; false when it is none: labels of 1 to 63 letters, digits, hyphens, and
 * underscores, which do occur. A last label of digits makes it an IPv4 address (RFC 6066 forbids those, some
 * clients send them): a name like others, and flagged. IPv6 addresses have no such form.
 */
function copyName(out: usize, at: usize, length: i32): bool {
  let label = 0;
  let digits = 0;
  for (let i = 0; i < length; i++) {
    let byte = <i32>load<u8>(at + i);
    if (byte == DOT) {
      if (label == 0) return false;
      label = 0;
      digits = 0;
    } else {
      if (byte >= 0x41 && byte <= 0x5a) byte |= 0x20;
      const isLetter = byte >= 0x61 && byte <= 0x7a;
      const isDigit = byte >= 0x30 && byte <= 0x39;
      if (!isLetter && !isDigit && byte != 0x2d && byte != 0x5f) return false;
      label++;
      if (isDigit) digits++;
      if (label > MAX_LABEL) return false;
    }
    store<u8>(out + i, byte);
  }
  if (label > 0 && digits == label) addFlag(HELLO_FLAG_SNI_ADDRESS);
  return label > 0;
}
