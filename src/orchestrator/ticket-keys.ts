/**
 * Keys of session tickets. The process has few masters, the newest first, which are replaced in turn; each policy's
 * keys are derived from them, so that a ticket resumes under no other policy, stricter or not, and under none that
 * has changed since.
 */
import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import type { Policy } from '../pdl/ir.ts';

/** 32 random bytes each, the newest first: new tickets are made with it, those of the others still resume. */
export type TicketMasters = readonly Uint8Array[];

const MASTER_BYTES = 32;
/** One to make tickets with, and the one before it. */
const KEPT_MASTERS = 2;
/** Of one key: name 16, AES-256 32, HMAC-SHA-256 32. */
const KEY_BYTES = 80;
/** What OpenSSL takes as the context of a session (SSL_MAX_SID_CTX_LENGTH). */
const SESSION_CONTEXT_BYTES = 32;

/** The masters once a new one has taken the place of the oldest. */
export function rotateMasters(masters: TicketMasters = []): TicketMasters {
  return [randomBytes(MASTER_BYTES), ...masters].slice(0, KEPT_MASTERS);
}

/** The keys of a policy's tickets one after the other, as the addon takes them. */
export function ticketKeys(masters: TicketMasters, policy: Policy): Buffer {
  const { name, tls, extensions, clientCert } = policy;
  const info = `sallyport ticket v2\0${JSON.stringify([name, tls, extensions, clientCert])}`;
  const keys = masters.map((master) => Buffer.from(hkdfSync('sha256', master, '', digest(info), KEY_BYTES)));
  return Buffer.concat(keys);
}

/** What ties a session to the name that the client asked for: sessions of one name never resume under another. */
export function sessionContext(sni: string | null): string {
  const name = sni ?? '';
  // why: no name begins with a colon, so a digest cannot be mistaken for one.
  return name.length <= SESSION_CONTEXT_BYTES ? name : `:${digest(name)}`.slice(0, SESSION_CONTEXT_BYTES);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
