/** base64url without padding (RFC 4648 5), for lengths that fill their last character or not. */

function characterOf(value: i32): i32 {
  if (value < 26) return 0x41 + value;
  if (value < 52) return 0x61 + value - 26;
  if (value < 62) return 0x30 + value - 52;
  return value == 62 ? 0x2d : 0x5f;
}

/** The six bits of a character, -1 when it is not in the alphabet. */
function valueOf(character: i32): i32 {
  if (character >= 0x41 && character <= 0x5a) return character - 0x41;
  if (character >= 0x61 && character <= 0x7a) return character - 0x61 + 26;
  if (character >= 0x30 && character <= 0x39) return character - 0x30 + 52;
  return character == 0x2d ? 62 : character == 0x5f ? 63 : -1;
}

/** Writes the text of `length` bytes at `at`. */
export function encodeBase64url(out: usize, at: usize, length: i32): void {
  let bits = 0;
  let held = 0;
  let p = out;
  for (let i = 0; i < length; i++) {
    held = (held << 8) | <i32>load<u8>(at + i);
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      store<u8>(p++, characterOf((held >> bits) & 63));
    }
    held &= (1 << bits) - 1;
  }
  if (bits > 0) store<u8>(p, characterOf(held << (6 - bits)));
}

/**
 * Reads `length` characters at `at`. False for a character outside the alphabet, and when the unused bits of
 * the last one are not zero: bytes have one spelling.
 */
export function decodeBase64url(out: usize, at: usize, length: i32): bool {
  let bits = 0;
  let held = 0;
  let p = out;
  for (let i = 0; i < length; i++) {
    const value = valueOf(load<u8>(at + i));
    if (value < 0) return false;
    held = (held << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      store<u8>(p++, held >> bits);
      held &= (1 << bits) - 1;
    }
  }
  return held == 0;
}
