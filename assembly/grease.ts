/** GREASE values (RFC 8701): reserved code points that carry no meaning. */

/** 0x0a0a, 0x1a1a, … 0xfafa: suites, extensions, groups, signature algorithms and versions. */
export function isGrease16(code: i32): bool {
  return (code & 0x0f0f) == 0x0a0a && code >> 8 == (code & 0xff);
}

/** 0x0b, 0x2a, 0x49, … 0xe4: PSK key exchange modes. */
export function isGrease8(code: i32): bool {
  return code >= 0x0b && (code - 0x0b) % 0x1f == 0 && code <= 0xe4;
}
