/** The client's side of a puzzle in the handshake: reads what a HelloRetryRequest asks, and finds the answer. */
import { hash, randomInt } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Core } from '../../core/core.ts';
import { leadingZeroBits } from '../zero-bits.ts';
import {
  decodeChallenge,
  decodeExtension,
  encodeExtension,
  encodeSolution,
  type HashPuzzleType,
  hashTail,
  PUZZLE_TYPES,
} from './wire.ts';

/** Hashes in one turn of the event loop: some milliseconds. */
const CORE_CHUNK = 65_536;
const OPENSSL_CHUNK = 4_096;
/** What the core hashes after the nonce. */
const MAX_CORE_TAIL = 247;
const HALF = 2 ** 32;
/** A search begins somewhere below 2^52, so that nobody tells by the solution who found it. */
const FIRST_HALVES = 2 ** 20;

/** GREASE, and what `solvePuzzle` solves; the content of the first hello's extension. */
export const OFFER: Buffer = encodeExtension({
  types: [0x2a2a, PUZZLE_TYPES.sha256, PUZZLE_TYPES.sha512, PUZZLE_TYPES.echo],
  body: new Uint8Array(0),
});

const NAMES: Readonly<Record<number, string>> = {
  [PUZZLE_TYPES.echo]: 'echo',
  [PUZZLE_TYPES.sha256]: 'sha256_cpu',
  [PUZZLE_TYPES.sha512]: 'sha512_cpu',
};

/** A puzzle as posed, in words. */
export interface PuzzleSummary {
  /** As in the draft: `echo`, `sha256_cpu`, `sha512_cpu`. */
  readonly type: string;
  /** Leading zero bits demanded; 0 of an `echo`. */
  readonly difficulty: number;
}

export interface SolvedPuzzle extends PuzzleSummary {
  /** Hashes that it took. */
  readonly tries: number;
  /** The content of the second hello's extension. */
  readonly answer: Buffer;
}

/** `unsupported`: not a puzzle that was offered. `too_hard`: more bits than the client cares to find. */
export type PuzzleRefusal = 'unsupported' | 'too_hard';

export interface SolveOptions {
  /** Leading zero bits beyond which a puzzle is refused. */
  readonly maxDifficulty: number;
  readonly signal: AbortSignal;
  /** Told after every few milliseconds of work. */
  readonly onProgress: (puzzle: PuzzleSummary, tries: number) => void;
}

/**
 * Solves the puzzle in the content of a HelloRetryRequest's extension, in turns of the event loop.
 * @throws the signal's reason.
 */
export async function solvePuzzle(
  core: Core,
  extension: Uint8Array,
  options: SolveOptions,
): Promise<SolvedPuzzle | PuzzleRefusal> {
  const posed = decodeExtension(extension);
  if (posed?.types.length !== 1) return 'unsupported';
  const type = posed.types[0]!;
  if (type === PUZZLE_TYPES.echo) {
    return { type: NAMES[type]!, difficulty: 0, tries: 0, answer: Buffer.from(extension) };
  }
  if (type !== PUZZLE_TYPES.sha256 && type !== PUZZLE_TYPES.sha512) return 'unsupported';
  const challenge = decodeChallenge(posed.body);
  if (challenge === null) return 'unsupported';
  const { difficulty, salt } = challenge;
  if (difficulty > options.maxDifficulty) return 'too_hard';
  const puzzle = { type: NAMES[type]!, difficulty };
  const search = searcher(core, type, hashTail(type, salt), difficulty);
  const first = randomInt(FIRST_HALVES) * HALF;
  for (let tries = 0; ; tries += search.chunk) {
    const found = search.find(first + tries);
    if (found !== null) {
      const answer = encodeExtension({ types: [type], body: encodeSolution(BigInt(found)) });
      return { ...puzzle, tries: found - first + 1, answer };
    }
    options.onProgress(puzzle, tries + search.chunk);
    await nextTurn();
    options.signal.throwIfAborted();
  }
}

interface Searcher {
  readonly chunk: number;
  /** The first of `chunk` numbers that has the bits; null: none. */
  find(from: number): number | null;
}

function searcher(core: Core, type: HashPuzzleType, tail: Buffer, bits: number): Searcher {
  if (type === PUZZLE_TYPES.sha256 && tail.length <= MAX_CORE_TAIL) {
    return { chunk: CORE_CHUNK, find: (from) => core.solveFront(tail, from, CORE_CHUNK, bits) };
  }
  const name = type === PUZZLE_TYPES.sha256 ? 'sha256' : 'sha512';
  const message = Buffer.concat([Buffer.alloc(8), tail]);
  const find = (from: number): number | null => {
    for (let solution = from; solution < from + OPENSSL_CHUNK; solution++) {
      message.writeUInt32BE(Math.floor(solution / HALF), 0);
      message.writeUInt32BE(solution % HALF, 4);
      if (leadingZeroBits(hash(name, message, 'buffer')) >= bits) return solution;
    }
    return null;
  };
  return { chunk: OPENSSL_CHUNK, find };
}
