/** What a server says to ask for a puzzle's solution, byte for byte as OpenSSL would. */
import { RETRY_RANDOM } from './retry-request.ts';

const LEGACY_VERSION = 0x0303;
const TLS13 = 0x0304;
const EXTENSION = { supportedVersions: 43, keyShare: 51 } as const;
/** For middleboxes that look for a TLS 1.2 session (RFC 8446 appendix D.4). */
const CHANGE_CIPHER_SPEC = Buffer.from([20, 3, 3, 0, 1, 1]);

export interface RetryFlight {
  /** As the client sent it. */
  readonly sessionId: Uint8Array;
  readonly cipher: number;
  /** The group that a key share is asked of. */
  readonly group: number;
  /** Type and content of the puzzle's extension. */
  readonly type: number;
  readonly content: Uint8Array;
}

/** A HelloRetryRequest in a record (RFC 8446 section 4.1.4), and the message that follows it. */
export function retryFlight({ sessionId, cipher, group, type, content }: RetryFlight): Buffer {
  const extensions = Buffer.concat([
    extension(type, content),
    extension(EXTENSION.supportedVersions, u16(TLS13)),
    extension(EXTENSION.keyShare, u16(group)),
  ]);
  const body = Buffer.concat([
    u16(LEGACY_VERSION),
    RETRY_RANDOM,
    Uint8Array.of(sessionId.length),
    sessionId,
    u16(cipher),
    Uint8Array.of(0),
    u16(extensions.length),
    extensions,
  ]);
  return Buffer.concat([
    Uint8Array.of(22, 3, 3),
    u16(body.length + 4),
    Uint8Array.of(2, 0),
    u16(body.length),
    body,
    CHANGE_CIPHER_SPEC,
  ]);
}

function extension(type: number, content: Uint8Array): Buffer {
  return Buffer.concat([u16(type), u16(content.length), content]);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
