/**
 * The parts of a ClientHello message that a puzzle in the handshake is about: what the client offers, and
 * what it must not change when it says hello again (RFC 8446 section 4.1.2).
 */
import { hash } from 'node:crypto';

/** Extensions by their IANA numbers. */
const EXTENSION = {
  supportedGroups: 10,
  padding: 21,
  preSharedKey: 41,
  earlyData: 42,
  cookie: 44,
  keyShare: 51,
} as const;

/** What a client may change, add or leave out in its second hello; all else must be as it was. */
const MAY_CHANGE: ReadonlySet<number> = new Set([
  EXTENSION.padding,
  EXTENSION.preSharedKey,
  EXTENSION.earlyData,
  EXTENSION.cookie,
  EXTENSION.keyShare,
]);

const HEADER = 4;
const RANDOM_END = 2 + 32;

export interface HelloParts {
  /** Content of each extension by its type, in the client's order. */
  readonly extensions: ReadonlyMap<number, Uint8Array>;
  /** Everything before the extensions. */
  readonly fixed: Uint8Array;
}

/** The body of a handshake message; null when it is no whole ClientHello. */
export function helloBody(message: Uint8Array): Uint8Array | null {
  const [type = 0, high = 0, middle = 0, low = 0] = message;
  const length = (high << 16) | (middle << 8) | low;
  return type === 1 && message.length === HEADER + length ? message.subarray(HEADER) : null;
}

/** Takes the body of a ClientHello apart; null when it is not well-formed, or has no extensions. */
export function helloParts(body: Uint8Array): HelloParts | null {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (bytes.length < RANDOM_END) return null;
  // Session id, cipher suites and compression methods, each behind its length.
  let at = RANDOM_END;
  for (const width of [1, 2, 1]) {
    if (at + width > bytes.length) return null;
    at += width + bytes.readUIntBE(at, width);
  }
  if (at + 2 > bytes.length || bytes.readUInt16BE(at) !== bytes.length - at - 2) return null;
  const extensions = new Map<number, Uint8Array>();
  const fixed = bytes.subarray(0, at);
  for (at += 2; at < bytes.length; ) {
    if (at + 4 > bytes.length) return null;
    const type = bytes.readUInt16BE(at);
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    if (end > bytes.length || extensions.has(type)) return null;
    extensions.set(type, bytes.subarray(at + 4, end));
    at = end;
  }
  return { extensions, fixed };
}

/** The session id that a server must repeat. */
export function sessionId({ fixed }: HelloParts): Uint8Array {
  return fixed.subarray(RANDOM_END + 1, RANDOM_END + 1 + fixed[RANDOM_END]!);
}

/** Suites that the client offers, in its order. */
export function offeredCiphers(hello: HelloParts): number[] {
  const { fixed } = hello;
  const bytes = Buffer.from(fixed.buffer, fixed.byteOffset, fixed.byteLength);
  const start = RANDOM_END + 1 + sessionId(hello).length;
  const ciphers: number[] = [];
  for (let at = start + 2; at < start + 2 + bytes.readUInt16BE(start); at += 2)
    ciphers.push(bytes.readUInt16BE(at));
  return ciphers;
}

/** SHA-256 of what both hellos of a handshake must have alike; `puzzle` is the type of the puzzle's extension. */
export function unchangedDigest({ extensions, fixed }: HelloParts, puzzle: number): Buffer {
  const parts: Uint8Array[] = [fixed];
  for (const [type, content] of extensions) {
    if (type === puzzle || MAY_CHANGE.has(type)) continue;
    parts.push(Uint8Array.of(type >> 8, type, content.length >> 8, content.length), content);
  }
  return hash('sha256', Buffer.concat(parts), 'buffer');
}

/** Groups that the client lists, in its order; empty when it lists none. */
export function listedGroups({ extensions }: HelloParts): number[] {
  const list = extensions.get(EXTENSION.supportedGroups);
  if (list === undefined || list.length < 2) return [];
  const bytes = Buffer.from(list.buffer, list.byteOffset, list.byteLength);
  const end = Math.min(bytes.length, 2 + bytes.readUInt16BE(0));
  const groups: number[] = [];
  for (let at = 2; at + 2 <= end; at += 2) groups.push(bytes.readUInt16BE(at));
  return groups;
}

/** Groups that the client sends a key of; null when the extension is missing or damaged. */
export function sharedGroups({ extensions }: HelloParts): number[] | null {
  const list = extensions.get(EXTENSION.keyShare);
  if (list === undefined || list.length < 2) return null;
  const bytes = Buffer.from(list.buffer, list.byteOffset, list.byteLength);
  if (bytes.readUInt16BE(0) !== bytes.length - 2) return null;
  const groups: number[] = [];
  for (let at = 2; at < bytes.length; ) {
    if (at + 4 > bytes.length) return null;
    groups.push(bytes.readUInt16BE(at));
    at += 4 + bytes.readUInt16BE(at + 2);
    if (at > bytes.length) return null;
  }
  return groups;
}

/** What a HelloRetryRequest and the hello before it leave a client to do. */
export interface RetryTerms {
  /** The group that was asked for. */
  readonly group: number;
  /** Did the first hello offer to resume a session? */
  readonly preSharedKey: boolean;
}

export const offersPreSharedKey = ({ extensions }: HelloParts): boolean =>
  extensions.has(EXTENSION.preSharedKey);

/** What a second hello does that it must not, or null; that it is else the same is `unchangedDigest`'s to tell. */
export function illegalRetry(second: HelloParts, terms: RetryTerms): string | null {
  const shares = sharedGroups(second);
  if (shares?.length !== 1 || shares[0] !== terms.group) return 'its key share is not the one asked for';
  if (second.extensions.has(EXTENSION.earlyData)) return 'it announces early data';
  // why: a cookie answers one in the HelloRetryRequest, and there was none.
  if (second.extensions.has(EXTENSION.cookie)) return 'it carries a cookie';
  return offersPreSharedKey(second) && !terms.preSharedKey ? 'it adds a pre-shared key' : null;
}
