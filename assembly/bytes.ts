/** Reads and writes of a few bytes. */

// Big-endian reads. Two single-byte loads are faster here than a load and a swap.

export function be16(at: usize): i32 {
  return ((<i32>load<u8>(at)) << 8) | <i32>load<u8>(at, 1);
}

export function be24(at: usize): i32 {
  return ((<i32>load<u8>(at)) << 16) | ((<i32>load<u8>(at, 1)) << 8) | <i32>load<u8>(at, 2);
}

export function be32(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

// A memory.fill, copy or compare of a few bytes costs more than the loop: engines call out for it.

/** Writes zeros over `bytes` bytes, rounded up to a multiple of 8. */
export function clearWords(at: usize, bytes: i32): void {
  const end = at + bytes;
  for (let p = at; p < end; p += 8) store<u64>(p, 0);
}

/** Are the `length` bytes at both places the same? */
export function isEqual(a: usize, b: usize, length: i32): bool {
  let i: usize = 0;
  for (const whole = <usize>length & ~7; i < whole; i += 8) {
    if (load<u64>(a + i) != load<u64>(b + i)) return false;
  }
  for (; i < <usize>length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}
