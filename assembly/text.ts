/** Writers of ASCII text. Each returns the address after what it wrote. */

export const COMMA: i32 = 0x2c;
export const DASH: i32 = 0x2d;
export const UNDERSCORE: i32 = 0x5f;
export const COLON: i32 = 0x3a;
export const PLUS: i32 = 0x2b;
export const ZERO: i32 = 0x30;

export function writeChar(out: usize, char: i32): usize {
  store<u8>(out, char);
  return out + 1;
}

/** The four bytes of `chars`, lowest first. */
export function writeChars(out: usize, chars: u32, count: i32): usize {
  for (let i = 0; i < count; i++) store<u8>(out + i, <u8>(chars >> (i << 3)));
  return out + count;
}

export function hexDigit(nibble: i32): i32 {
  return nibble < 10 ? 0x30 + nibble : 0x57 + nibble;
}

export function writeDecimal(out: usize, value: u32): usize {
  let digits = 1;
  for (let rest = value / 10; rest > 0; rest /= 10) digits++;
  let left = value;
  for (let i = digits - 1; i >= 0; i--) {
    store<u8>(out + i, 0x30 + (left % 10));
    left /= 10;
  }
  return out + digits;
}

/** Lower-case hexadecimal of `length` bytes. */
export function writeHex(out: usize, at: usize, length: i32): usize {
  for (let i = 0; i < length; i++) {
    const byte = <i32>load<u8>(at + i);
    store<u8>(out + (i << 1), hexDigit(byte >> 4), 0);
    store<u8>(out + (i << 1), hexDigit(byte & 15), 1);
  }
  return out + (length << 1);
}

/** u16 codes in decimal, joined by dashes. */
export function writeDecimalCodes(out: usize, at: usize, count: i32): usize {
  let p = out;
  for (let i = 0; i < count; i++) {
    if (i > 0) p = writeChar(p, DASH);
    p = writeDecimal(p, load<u16>(at + (i << 1)));
  }
  return p;
}

/** u16 codes in four hexadecimal digits, joined by commas. */
export function writeHexCodes(out: usize, at: usize, count: i32): usize {
  let p = out;
  for (let i = 0; i < count; i++) {
    if (i > 0) p = writeChar(p, COMMA);
    const code = <i32>load<u16>(at + (i << 1));
    store<u8>(p, hexDigit(code >> 12), 0);
    store<u8>(p, hexDigit((code >> 8) & 15), 1);
    store<u8>(p, hexDigit((code >> 4) & 15), 2);
    store<u8>(p, hexDigit(code & 15), 3);
    p += 4;
  }
  return p;
}
