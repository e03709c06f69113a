/** What a client says after a HelloRetryRequest: a second ClientHello, or that it gives up. */

const RECORD = { changeCipherSpec: 20, alert: 21, handshake: 22 } as const;
const RECORD_HEADER = 5;
const MESSAGE_HEADER = 4;

/** `bad`: neither a hello nor an alert. `more`: that cannot be told yet. */
export type SecondFlight =
  | { readonly kind: 'hello'; readonly message: Buffer }
  | { readonly kind: 'alert'; readonly description: number }
  | { readonly kind: 'bad' }
  | { readonly kind: 'more' };

const BAD: SecondFlight = { kind: 'bad' };
const MORE: SecondFlight = { kind: 'more' };

/** Reads records from the first byte after the first hello. */
export function secondFlight(bytes: Buffer): SecondFlight {
  let message = Buffer.alloc(0);
  for (let at = 0; at + RECORD_HEADER <= bytes.length; ) {
    const end = at + RECORD_HEADER + bytes.readUInt16BE(at + 3);
    const isWhole = end <= bytes.length;
    const content = bytes.subarray(at + RECORD_HEADER, end);
    switch (bytes[at]) {
      case RECORD.changeCipherSpec:
        // why: it may come once, before the hello, and says nothing (RFC 8446 section 5).
        if (at !== 0 || (isWhole && (content.length !== 1 || content[0] !== 1))) return BAD;
        break;
      case RECORD.alert:
        if (isWhole) return content.length === 2 ? { kind: 'alert', description: content[1]! } : BAD;
        break;
      case RECORD.handshake:
        if (content.length === 0 && isWhole) return BAD;
        message = Buffer.concat([message, content]);
        break;
      default:
        return BAD;
    }
    if (message.length >= MESSAGE_HEADER) {
      const length = MESSAGE_HEADER + message.readUIntBE(1, 3);
      if (message.length > length) return BAD;
      if (message.length === length && isWhole) return { kind: 'hello', message };
    }
    if (!isWhole) return MORE;
    at = end;
  }
  return MORE;
}
