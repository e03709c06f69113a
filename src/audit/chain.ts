/**
 * The hash chain over audit lines. Each line ends in
 * `,"chain":{"sequence":7,"previous":"…","hash":"…"}}` where `hash` is the SHA-256 of everything in the
 * line before `,"hash"`, and `previous` the hash of the line before. A lost line uses up its number, so
 * a gap in `sequence` says how many are missing while the hashes still join.
 */
import { hash } from 'node:crypto';

/** `previous` of the first line of all. */
export const GENESIS: string = '0'.repeat(64);

const CHAIN = /,"chain":\{"sequence":(\d{1,15}),"previous":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}\}$/;

export interface Link {
  readonly sequence: number;
  readonly previous: string;
  readonly hash: string;
  /** Whether `hash` is the hash of the line. */
  readonly intact: boolean;
}

/** The chain fields of a line, or null when it carries none. */
export function readLink(line: string): Link | null {
  const match = CHAIN.exec(line);
  if (!match) return null;
  const [, sequence, previous, claimed] = match;
  const hashed = line.slice(0, line.length - `,"hash":"${claimed}"}}`.length);
  return {
    sequence: Number(sequence),
    previous: previous!,
    hash: claimed!,
    intact: hash('sha256', hashed) === claimed,
  };
}

export class HashChain {
  #sequence: number;
  #previous: string;

  /** Continues after `last`, or starts a new chain. */
  constructor(last: Link | null) {
    this.#sequence = last === null ? 0 : last.sequence + 1;
    this.#previous = last === null ? GENESIS : last.hash;
  }

  /** `line` is a JSON object with at least one key; the answer is the same object with its link. */
  append(line: string): string {
    const open = `${line.slice(0, -1)},"chain":{"sequence":${this.#sequence},"previous":"${this.#previous}"`;
    this.#previous = hash('sha256', open);
    this.#sequence++;
    return `${open},"hash":"${this.#previous}"}}`;
  }

  /** Uses up the number of a line that was lost. */
  skip(): void {
    this.#sequence++;
  }
}
