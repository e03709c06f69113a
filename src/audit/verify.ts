/** Checks the hash chain of an audit log. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { readLink } from './chain.ts';

export interface Verification {
  readonly lines: number;
  /** Lines the writer had to give up: the gaps in `sequence`. */
  readonly lost: number;
  /** Number of the first line (from 1) that is changed, or does not follow the one before; null: none. */
  readonly brokenAt: number | null;
  readonly reason: string | null;
}

/**
 * Reads a log from its first line; a rotated file may start in the middle of a chain.
 * @throws the system's error when the file cannot be read.
 */
export async function verifyAuditLog(file: string): Promise<Verification> {
  const lines = createInterface({
    input: createReadStream(file, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let count = 0;
  let lost = 0;
  let before: { sequence: number; hash: string } | null = null;
  for await (const line of lines) {
    count++;
    const link = readLink(line);
    const broken = (reason: string): Verification => ({ lines: count, lost, brokenAt: count, reason });
    if (link === null) return broken('the line carries no chain');
    if (!link.intact) return broken('the line was changed after it was written');
    if (before !== null) {
      if (link.previous !== before.hash) return broken('the line does not follow the one before it');
      if (link.sequence <= before.sequence) return broken('the sequence does not rise');
      lost += link.sequence - before.sequence - 1;
    }
    before = link;
  }
  return { lines: count, lost, brokenAt: null, reason: null };
}
