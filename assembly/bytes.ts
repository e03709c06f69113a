/** Big-endian reads. Two single-byte loads are faster here than a load and a swap. */

export function be16(at: usize): i32 {
  return ((<i32>load<u8>(at)) << 8) | <i32>load<u8>(at, 1);
}

export function be24(at: usize): i32 {
  return ((<i32>load<u8>(at)) << 16) | ((<i32>load<u8>(at, 1)) << 8) | <i32>load<u8>(at, 2);
}

export function be32(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}
