/** What a server says first, as far as a client that solves puzzles must know before its TLS does. */

const HANDSHAKE_RECORD = 22;
const SERVER_HELLO = 2;
const HEADER = 4;
/** The random of a HelloRetryRequest (RFC 8446 section 4.1.3). */
export const RETRY_RANDOM: Buffer = Buffer.from(
  'cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c',
  'hex',
);
/** Version, random, and the length of the session's id. */
const SESSION_AT = 2 + 32;
/** A larger first message is for TLS to refuse. */
const MAX_MESSAGE = 16_384;

/**
 * The content of an extension in the HelloRetryRequest that a server's bytes begin with. `more`: that cannot be told
 * yet. Null: there is none, or no HelloRetryRequest at all; whether the bytes are good is for TLS to say.
 */
export function retryExtension(bytes: Buffer, type: number): Buffer | 'more' | null {
  const message = firstMessage(bytes);
  if (message === null || message === 'more') return message;
  const body = message.subarray(HEADER);
  if (message[0] !== SERVER_HELLO || body.length <= SESSION_AT) return null;
  if (!body.subarray(2, SESSION_AT).equals(RETRY_RANDOM)) return null;
  // Session id, suite, compression method, length of the extensions.
  let at = SESSION_AT + 1 + body[SESSION_AT]! + 2 + 1 + 2;
  while (at + 4 <= body.length) {
    const end = at + 4 + body.readUInt16BE(at + 2);
    if (end > body.length) return null;
    if (body.readUInt16BE(at) === type) return body.subarray(at + 4, end);
    at = end;
  }
  return null;
}

/** The first handshake message of a stream of records. */
function firstMessage(bytes: Buffer): Buffer | 'more' | null {
  const parts: Buffer[] = [];
  let have = 0;
  for (let at = 0; ; ) {
    if (at < bytes.length && bytes[at] !== HANDSHAKE_RECORD) return null;
    if (at + 5 > bytes.length) return 'more';
    const part = bytes.subarray(at + 5, at + 5 + bytes.readUInt16BE(at + 3));
    parts.push(part);
    have += part.length;
    if (have >= HEADER) {
      const message = Buffer.concat(parts);
      const length = HEADER + message.readUIntBE(1, 3);
      if (length > MAX_MESSAGE) return null;
      if (have >= length) return message.subarray(0, length);
    }
    // why: an empty record is not allowed here, and would make the loop endless.
    if (part.length === 0 && at + 5 < bytes.length) return null;
    at += 5 + bytes.readUInt16BE(at + 3);
  }
}
