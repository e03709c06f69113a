/**
 * The server's side of a puzzle in the handshake: poses it in a HelloRetryRequest and judges the ClientHello
 * that comes back. The salt is derived from the connection, so nothing is remembered but what belongs to it: a
 * solution is worth nothing on another connection, and a connection has but one second hello.
 */
import { createHmac, hash, hkdfSync, timingSafeEqual } from 'node:crypto';
import { digest } from '../token.ts';
import { leadingZeroBits } from '../zero-bits.ts';
import {
  type HelloParts,
  helloBody,
  helloParts,
  illegalRetry,
  listedGroups,
  offeredCiphers,
  offersPreSharedKey,
  type RetryTerms,
  sessionId,
  sharedGroups,
  unchangedDigest,
} from './hello-parts.ts';
import { retryFlight } from './retry-flight.ts';
import {
  decodeExtension,
  encodeChallenge,
  encodeExtension,
  type HashPuzzleType,
  hashedMessage,
  PUZZLE_TYPES,
} from './wire.ts';

/** First byte of the suites of TLS 1.3 (RFC 8446 appendix B.4). */
const TLS13_SUITES = 0x13;

/** With the nonce and the label it fills one block of SHA-256. */
const SALT_BYTES = 26;

/**
 * Groups in the order they are forced in: X25519MLKEM768, SecP256r1MLKEM768, X25519, P-256. P-384 and P-521 cost a
 * server many times as much, and are never forced.
 */
const FORCED_GROUPS: readonly number[] = [0x11ec, 0x11eb, 0x001d, 0x0017];

/** Which of the server's groups a HelloRetryRequest can ask this client for; null: it shares all it could use. */
export function forcedGroup(hello: HelloParts, allowed: readonly number[]): number | null {
  const listed = listedGroups(hello);
  const shared = sharedGroups(hello);
  if (shared === null) return null;
  const possible = (group: number): boolean =>
    allowed.includes(group) && listed.includes(group) && !shared.includes(group);
  return FORCED_GROUPS.find(possible) ?? null;
}

/** What a policy's TLS profile says of a handshake in which a puzzle is posed. */
export interface PuzzleProfile {
  readonly ciphers: readonly number[];
  readonly groups: readonly number[];
  readonly prefer: 'server' | 'client';
}

/** The suite of TLS 1.3 that OpenSSL takes; null: none is shared. */
function chosenCipher(hello: HelloParts, { ciphers, prefer }: PuzzleProfile): number | null {
  const offered = offeredCiphers(hello);
  const [first, other] = prefer === 'server' ? [ciphers, offered] : [offered, ciphers];
  return first.find((cipher) => cipher >> 8 === TLS13_SUITES && other.includes(cipher)) ?? null;
}

/** The puzzle that the client offers to solve and that this server poses; null: none. */
export function offeredType(hello: HelloParts, extension: number): HashPuzzleType | null {
  const content = hello.extensions.get(extension);
  const offer = content === undefined ? null : decodeExtension(content);
  // why: only an offer has no body; an answer to nothing is none.
  if (offer === null || offer.body.length > 0) return null;
  const known = [PUZZLE_TYPES.sha256, PUZZLE_TYPES.sha512] as const;
  return known.find((type) => offer.types.includes(type)) ?? null;
}

/** What the puzzle is posed to; it goes into the salt. */
export interface PuzzleClient {
  /** Never the same for two connections, and not the client's to choose. */
  readonly connection: string;
  /** 16 bytes. */
  readonly ip: Uint8Array;
  readonly port: number;
}

/** A puzzle on its way. */
export interface PosedPuzzle extends RetryTerms {
  readonly type: HashPuzzleType;
  /** Leading zero bits demanded. */
  readonly difficulty: number;
  readonly salt: Buffer;
  readonly client: PuzzleClient;
  /** The content of the HelloRetryRequest's extension. */
  readonly extension: Buffer;
  /** The flight that asks for the solution, in records. */
  readonly flight: Buffer;
}

/**
 * - `malformed`: it is no ClientHello.
 * - `hello_changed`: it differs from the first where it must not.
 * - `missing`: it has no puzzle extension.
 * - `wrong_type`: it answers another puzzle than the one posed, or none.
 * - `solution_wrong`: the hash has too few zero bits.
 */
export type PuzzleFailure = 'malformed' | 'hello_changed' | 'missing' | 'wrong_type' | 'solution_wrong';

/** Leading zero bits of the SHA-256 of at most 248 bytes. */
export type Sha256ZeroBits = (message: Uint8Array) => number;

export interface HandshakePuzzleOptions {
  /** At least 16 bytes. */
  readonly secret: Uint8Array;
  /** The challenge's name. */
  readonly name: string;
  /** Type of the extension that carries puzzles. */
  readonly extension: number;
  readonly zeroBits: Sha256ZeroBits;
}

export class HandshakePuzzle {
  readonly #key: Uint8Array;
  readonly #name: Buffer;
  readonly #extension: number;
  readonly #zeroBits: Sha256ZeroBits;

  constructor({ secret, name, extension, zeroBits }: HandshakePuzzleOptions) {
    this.#key = new Uint8Array(hkdfSync('sha256', secret, '', 'sallyport handshake puzzle v1', 32));
    this.#name = digest(name);
    this.#extension = extension;
    this.#zeroBits = zeroBits;
  }

  /**
   * The puzzle for a client's first hello; null when the client offers none, or leaves no group to ask it for.
   * @param bits Leading zero bits demanded of a SHA-256. One less of a SHA-512, which takes twice the work.
   */
  pose(hello: HelloParts, profile: PuzzleProfile, bits: number, client: PuzzleClient): PosedPuzzle | null {
    const type = offeredType(hello, this.#extension);
    const group = type === null ? null : forcedGroup(hello, profile.groups);
    const cipher = chosenCipher(hello, profile);
    if (type === null || group === null || cipher === null) return null;
    const difficulty = type === PUZZLE_TYPES.sha512 ? Math.max(1, bits - 1) : bits;
    const salt = this.#salt(hello, type, difficulty, client);
    const extension = encodeExtension({ types: [type], body: encodeChallenge({ difficulty, salt }) });
    const flight = retryFlight({
      sessionId: sessionId(hello),
      cipher,
      group,
      type: this.#extension,
      content: extension,
    });
    const preSharedKey = offersPreSharedKey(hello);
    return { type, difficulty, salt, client, group, extension, flight, preSharedKey };
  }

  /** Null when the second hello, a handshake message, solves the puzzle and changes nothing it must not. */
  judge(posed: PosedPuzzle, message: Uint8Array): PuzzleFailure | null {
    const body = helloBody(message);
    const hello = body === null ? null : helloParts(body);
    if (hello === null) return 'malformed';
    const content = hello.extensions.get(this.#extension);
    if (content === undefined) return 'missing';
    const salt = this.#salt(hello, posed.type, posed.difficulty, posed.client);
    if (illegalRetry(hello, posed) !== null || !timingSafeEqual(salt, posed.salt)) return 'hello_changed';
    const answer = decodeExtension(content);
    if (answer?.types.length !== 1 || answer.types[0] !== posed.type) return 'wrong_type';
    const hashed = hashedMessage(posed.type, salt, answer.body);
    if (hashed === null || this.#bits(posed.type, hashed) < posed.difficulty) return 'solution_wrong';
    return null;
  }

  #bits(type: HashPuzzleType, message: Buffer): number {
    if (type === PUZZLE_TYPES.sha256) return this.#zeroBits(message);
    return leadingZeroBits(hash('sha512', message, 'buffer'));
  }

  /** Fields of fixed width only, so that no two connections hash the same bytes. */
  #salt(hello: HelloParts, type: number, difficulty: number, client: PuzzleClient): Buffer {
    const numbers = Buffer.alloc(6);
    numbers.writeUInt16BE(type, 0);
    numbers.writeUInt16BE(difficulty, 2);
    numbers.writeUInt16BE(client.port, 4);
    return createHmac('sha256', this.#key)
      .update(this.#name)
      .update(digest(client.connection))
      .update(client.ip)
      .update(numbers)
      .update(unchangedDigest(hello, this.#extension))
      .digest()
      .subarray(0, SALT_BYTES);
  }
}
