/** The measure of a proof of work. `digest` has a multiple of four bytes. */
export function leadingZeroBits(digest: Buffer): number {
  let bits = 0;
  for (let at = 0; at < digest.length; at += 4) {
    const zeros = Math.clz32(digest.readUInt32BE(at));
    bits += zeros;
    if (zeros < 32) break;
  }
  return bits;
}
