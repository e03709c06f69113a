/** The admin API's bearer token: one line in a file only the operator can read. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const TOKEN_BYTES = 32;
const MIN_LENGTH = 16;

/**
 * The token in `file`, which is made with mode 0600 when it is missing.
 * @throws Error when it cannot be read or made, or holds fewer than 16 characters.
 */
export function loadOrCreateToken(file: string): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    // why: `wx` fails when the file exists, so two processes that start at once agree on one token.
    writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readToken(file);
}

/** @throws Error when the file cannot be read or holds fewer than 16 characters. */
export function readToken(file: string): string {
  const token = readFileSync(file, 'utf8').trim();
  if (token.length < MIN_LENGTH)
    throw new Error(`${file} must hold a token of at least ${MIN_LENGTH} characters`);
  return token;
}

/** Whether an Authorization header carries the token; the time taken says nothing about it. */
export function isAuthorized(header: string | undefined, token: string): boolean {
  const given = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(header ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
