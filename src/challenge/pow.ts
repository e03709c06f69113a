/**
 * The proof-of-work challenge: a token that demands a number of leading zero bits, the check of an
 * answer, and the clearance that a right answer earns. It keeps no state but the tokens already spent.
 */
import { hash, hkdfSync, randomBytes } from 'node:crypto';
import { ClearanceTable } from '../limit/clearance-table.ts';
import { checkCookieHeader, issueCookie } from './cookie.ts';
import { renderPage } from './page.ts';
import { safeReturnPath } from './return-path.ts';
import { digest, issueToken, openToken } from './token.ts';
import { leadingZeroBits } from './zero-bits.ts';

/** Where answers are posted. */
export const SUBMIT_PATH = '/.well-known/sallyport/challenge';
/** Longest body of an answer. */
export const MAX_SUBMIT_BYTES = 8192;

const MIN_SECRET_BYTES = 16;
const NONCE = /^[0-9]{1,16}$/;
/** How far the clock of the host that issued a token may be ahead. */
const CLOCK_SKEW_MS = 5000;
/** Spent tokens remembered by an instance that was given no shared table. */
const OWN_SPENT_SLOTS = 4096;

export interface ProofOfWorkOptions {
  /** At least 16 bytes; hosts that share it accept each other's clearances. */
  readonly secret: Uint8Array;
  /** The challenge's name; its tokens and clearances are worth nothing to another challenge. */
  readonly name: string;
  readonly solveWithinMs: number;
  readonly clearsForMs: number;
  /** Remembers spent tokens for all workers; left out: this instance remembers its own. */
  readonly spent?: ClearanceTable;
}

export interface ChallengeRequest {
  /** Leading zero bits demanded, 0 to 64; each bit doubles the work. */
  readonly difficulty: number;
  /** What the answer and the clearance are bound to: an opaque text that names the client. */
  readonly binding: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Path and query the client asked for. */
  readonly returnTo: string;
}

export interface ChallengeResponse {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/**
 * - `too_long`, `malformed`: the body is no answer.
 * - `token_invalid`: not a token of this secret, challenge and binding.
 * - `not_yet`, `expired`: the token's time is to come, or over.
 * - `solution_wrong`: the hash has too few zero bits.
 * - `replayed`: the token was used before.
 */
export type SubmitError =
  | 'too_long'
  | 'malformed'
  | 'token_invalid'
  | 'not_yet'
  | 'expired'
  | 'solution_wrong'
  | 'replayed';

export type SubmitResult =
  | { readonly ok: true; readonly cookie: string; readonly returnTo: string }
  | { readonly ok: false; readonly code: SubmitError };

/** Whether the sender of this `Accept` header wants a page to look at. */
export function wantsHtml(accept: string | undefined): boolean {
  return accept !== undefined && /\btext\/html\b|\bapplication\/xhtml\+xml\b/i.test(accept);
}

export class ProofOfWork {
  readonly #tokenKey: Uint8Array;
  readonly #cookieKey: Uint8Array;
  readonly #name: Buffer;
  readonly #solveWithinMs: number;
  readonly #clearsForMs: number;
  readonly #spent: ClearanceTable;

  /** @throws RangeError for a secret under 16 bytes. */
  constructor(options: ProofOfWorkOptions) {
    if (options.secret.length < MIN_SECRET_BYTES) {
      throw new RangeError(
        `the secret of challenge ${options.name} has fewer than ${MIN_SECRET_BYTES} bytes`,
      );
    }
    this.#tokenKey = deriveKey(options.secret, 'sallyport challenge token v1');
    this.#cookieKey = deriveKey(options.secret, 'sallyport clearance cookie v1');
    this.#name = digest(options.name);
    this.#solveWithinMs = options.solveWithinMs;
    this.#clearsForMs = options.clearsForMs;
    this.#spent = options.spent ?? new ClearanceTable(ClearanceTable.allocate(OWN_SPENT_SLOTS));
  }

  /** The challenge as a page that a browser solves by itself. */
  page(request: ChallengeRequest): ChallengeResponse {
    const cspNonce = randomBytes(16).toString('base64');
    const body = renderPage({
      cspNonce,
      token: this.#issue(request),
      difficulty: request.difficulty,
      submitPath: SUBMIT_PATH,
      returnTo: safeReturnPath(request.returnTo),
    });
    const policy = [
      "default-src 'none'",
      `script-src 'nonce-${cspNonce}'`,
      `style-src 'nonce-${cspNonce}'`,
      'worker-src blob:',
      "connect-src 'self'",
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'self'",
    ];
    return {
      status: 403,
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': policy.join('; '),
        'referrer-policy': 'same-origin',
        ...COMMON_HEADERS,
      },
      body,
    };
  }

  /** The challenge as an RFC 9457 problem that a program can read, solve and answer. */
  problem(request: ChallengeRequest): ChallengeResponse {
    const problem = {
      type: SUBMIT_PATH,
      title: 'Proof of work required',
      status: 403,
      detail:
        'Find a decimal nonce such that SHA-256(token ":" nonce) begins with `difficulty` zero bits, POST ' +
        'token and nonce as a form to `submit`, and repeat the request with the cookie you are given.',
      challenge: {
        algorithm: 'sha256_bits',
        token: this.#issue(request),
        difficulty: request.difficulty,
        expires: new Date(request.nowMs + this.#solveWithinMs).toISOString(),
        submit: SUBMIT_PATH,
      },
    };
    return {
      status: 403,
      headers: { 'content-type': 'application/problem+json', ...COMMON_HEADERS },
      body: JSON.stringify(problem),
    };
  }

  /**
   * Judges an answer: the form fields `token`, `nonce` and, if the client is to be sent on, `return`.
   * @param body At most `MAX_SUBMIT_BYTES` of application/x-www-form-urlencoded.
   */
  handleSubmit(body: string, binding: string, nowMs: number): SubmitResult {
    if (body.length > MAX_SUBMIT_BYTES) return { ok: false, code: 'too_long' };
    const fields = new URLSearchParams(body);
    const text = fields.get('token') ?? '';
    const nonce = fields.get('nonce') ?? '';
    if (text === '' || !NONCE.test(nonce)) return { ok: false, code: 'malformed' };
    const token = openToken(this.#tokenKey, this.#name, binding, text);
    if (token === null) return { ok: false, code: 'token_invalid' };
    if (token.issuedAtMs > nowMs + CLOCK_SKEW_MS) return { ok: false, code: 'not_yet' };
    const expiresMs = token.issuedAtMs + this.#solveWithinMs;
    if (expiresMs <= nowMs) return { ok: false, code: 'expired' };
    if (leadingZeroBits(hash('sha256', `${text}:${nonce}`, 'buffer')) < token.difficulty) {
      return { ok: false, code: 'solution_wrong' };
    }
    // why: the salt is random and under the MAC, so its first half serves as the key.
    const salt = new DataView(token.salt.buffer, token.salt.byteOffset);
    const key = { hi: salt.getUint32(0), lo: salt.getUint32(4) };
    if (!this.#spent.claim(key, expiresMs, nowMs)) return { ok: false, code: 'replayed' };
    return {
      ok: true,
      cookie: issueCookie(this.#cookieKey, this.#name, binding, nowMs, this.#clearsForMs),
      returnTo: safeReturnPath(fields.get('return') ?? '/'),
    };
  }

  /** Whether a `Cookie` header holds a clearance of this challenge for `binding`. */
  checkCookie(cookieHeader: string | undefined, binding: string, nowMs: number): boolean {
    if (cookieHeader === undefined) return false;
    return checkCookieHeader(this.#cookieKey, this.#name, binding, cookieHeader, nowMs);
  }

  #issue({ binding, difficulty, nowMs }: ChallengeRequest): string {
    return issueToken(this.#tokenKey, this.#name, binding, difficulty, nowMs);
  }
}

const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
} as const;

function deriveKey(secret: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', purpose, 32));
}
