/** How long a ClientHello will be, from its beginning (RFC 8446 sections 4 and 5.1). */

const RECORD_HEADER = 5;
const MESSAGE_HEADER = 4;

/**
 * Bytes of records without which a hello that begins with `length` bytes cannot be whole: more than `length`, and never
 * more than it comes to, so that whoever waits for that many misses none.
 */
export function leastHelloBytes(bytes: Uint8Array, length: number): number {
  if (length < RECORD_HEADER) return RECORD_HEADER;
  let seen = 0;
  let claimed = 0;
  for (let at = 0; at + RECORD_HEADER <= length; ) {
    const start = at + RECORD_HEADER;
    const end = start + bytes[at + 3]! * 256 + bytes[at + 4]!;
    const until = Math.min(end, length);
    // Behind the message's type, three bytes of its length.
    for (let i = start; i < until && seen + i - start < MESSAGE_HEADER; i++) {
      if (seen + i - start > 0) claimed = claimed * 256 + bytes[i]!;
    }
    seen += until - start;
    at = end;
  }
  const message = seen < MESSAGE_HEADER ? MESSAGE_HEADER : MESSAGE_HEADER + claimed;
  return length + Math.max(1, message - seen);
}
