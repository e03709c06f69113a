/** Keys that crawlers sign with: JSON Web Keys as their operators publish them. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';
import type { TrustedKey } from './bot-signature.ts';

/** Where the keys of one crawler are. */
export interface BotKeySource {
  /** Its origin, as `https://bot.example`. */
  readonly agent: string;
  /** Absolute path of its directory: a JSON Web Key Set. */
  readonly file: string;
}

/** A key as it passes between threads. */
export interface BotKey {
  readonly agent: string;
  /** Its thumbprint (RFC 7638), which signatures name it by. */
  readonly keyId: string;
  /** The public key, base64url. */
  readonly x: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

const MAX_KEYS = 64;
const X = /^[A-Za-z0-9_-]{43}$/;
/** Times of keys are seconds or milliseconds since the epoch: no key is of the year 5138. */
const MILLISECONDS_FROM = 1e11;

/** RFC 8037 appendix A.3: the members in the order of their names, without blanks. */
export function thumbprint(x: string): string {
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
}

/** Reads every file; what is wrong with one is an error, and its keys are left out. */
export function loadBotKeys(sources: readonly BotKeySource[]): {
  readonly keys: readonly BotKey[];
  readonly diagnostics: readonly Diagnostic[];
} {
  const keys: BotKey[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { agent, file } of sources) {
    try {
      keys.push(...readKeys(agent, readFileSync(file, 'utf8')));
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      const message = `the keys of ${agent} cannot be used: ${reason}`;
      const help = 'save its /.well-known/http-message-signatures-directory there';
      diagnostics.push(fileProblem(file, 'BOTS-001', message, help));
    }
  }
  return { keys, diagnostics };
}

/** @throws Error for what is no set of keys. Keys of other kinds than Ed25519 are passed over. */
export function readKeys(agent: string, text: string): BotKey[] {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  const list = (set as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(list)) throw new Error('it has no list `keys`');
  if (list.length > MAX_KEYS) throw new Error(`it has ${list.length} keys; at most ${MAX_KEYS} are read`);
  const keys = list.flatMap((each: Record<string, unknown> | null): BotKey[] => {
    const { kty, crv, x, nbf, exp } = each ?? {};
    if (kty !== 'OKP' || crv !== 'Ed25519') return [];
    if (typeof x !== 'string' || !X.test(x)) throw new Error('a key of Ed25519 has no `x` of 32 bytes');
    return [
      {
        agent,
        keyId: thumbprint(x),
        x,
        notBefore: timeOf(nbf, 0),
        notAfter: timeOf(exp, Number.MAX_SAFE_INTEGER),
      },
    ];
  });
  if (keys.length === 0) throw new Error('it has no key of Ed25519');
  return keys;
}

function timeOf(value: unknown, otherwise: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return otherwise;
  return value < MILLISECONDS_FROM ? value * 1_000 : value;
}

/** By thumbprint. */
export function trustKeys(keys: readonly BotKey[]): ReadonlyMap<string, TrustedKey> {
  return new Map(
    keys.map(({ agent, keyId, x, notBefore, notAfter }) => [
      keyId,
      { agent, key: publicKey(x), notBefore, notAfter },
    ]),
  );
}

function publicKey(x: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
