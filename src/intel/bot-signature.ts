/**
 * Signatures of crawlers on their requests: HTTP Message Signatures (RFC 9421) with the tag `web-bot-auth`, as
 * draft-meunier-webbotauth-httpsig-protocol-02 profiles them. Ed25519 alone, by keys that the operator trusts.
 */
import { type KeyObject, verify } from 'node:crypto';
import {
  type BareItem,
  type InnerList,
  type Item,
  isInnerList,
  parseDictionary,
  parseItem,
  serializeInnerList,
  serializeItem,
  Token,
} from 'structured-headers';

/** A key that signatures are checked with. */
export interface TrustedKey {
  /** Origin of the crawler, as `https://bot.example`. */
  readonly agent: string;
  readonly key: KeyObject;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** What of a request can be signed. */
export interface SignedRequest {
  readonly method: string;
  /** Host and port, as the client gave them. */
  readonly authority: string;
  /** The request target in origin form. */
  readonly target: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
}

/** Who signed a request, until when, and the nonce that must not come again. */
export interface BotSignature {
  readonly agent: string;
  readonly keyId: string;
  readonly nonce: string | null;
  /** Milliseconds since the epoch. */
  readonly expiresMs: number;
}

const TAG = 'web-bot-auth';
/** Longer fields are not looked at. */
const MAX_FIELD = 4_096;
const MAX_SIGNATURES = 4;
const MAX_COMPONENTS = 16;
const MAX_NONCE = 128;
/** How far the clock of the crawler may be ahead, and how long a signature may last. */
const SKEW_S = 60;
const MAX_LIFETIME_S = 86_400;
const SIGNATURE_BYTES = 64;

/** Keys by thumbprint; more than one crawler may publish the same. */
export type TrustedKeys = ReadonlyMap<string, readonly TrustedKey[]>;

/**
 * The first good signature of a crawler; `refused`: there are some by keys that are known, and none is good; null: there
 * are none, or by keys that are not known, which says nothing of the client (appendix C.1 of the draft).
 * Never throws: whatever the client sent is data.
 */
export function readBotSignature(
  request: SignedRequest,
  keys: TrustedKeys,
  nowMs: number,
): BotSignature | 'refused' | null {
  const input = fieldOf(request, 'signature-input');
  const signatures = fieldOf(request, 'signature');
  if (input === null || signatures === null) return null;
  if (input.length > MAX_FIELD || signatures.length > MAX_FIELD) return 'refused';
  try {
    const values = parseDictionary(signatures);
    let tagged = 0;
    let isRefused = false;
    for (const [label, member] of parseDictionary(input)) {
      if (!isInnerList(member) || member[1].get('tag') !== TAG) continue;
      if (++tagged > MAX_SIGNATURES) break;
      const value = values.get(label);
      const bytes = value !== undefined && !isInnerList(value) ? value[0] : null;
      const signature = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : new Uint8Array();
      const found = check(request, label, member, signature, keys, nowMs);
      if (found === 'refused') isRefused = true;
      else if (found !== null) return found;
    }
    return isRefused ? 'refused' : null;
  } catch {
    // Not structured fields (RFC 9651).
    return 'refused';
  }
}

/** Null: the key is not known of the crawler that the signature is said to be of. */
function check(
  request: SignedRequest,
  label: string,
  covered: InnerList,
  signature: Uint8Array,
  keys: TrustedKeys,
  nowMs: number,
): BotSignature | 'refused' | null {
  const [components, parameters] = covered;
  const keyId = parameters.get('keyid');
  const nonce = parameters.get('nonce') ?? null;
  const expires = parameters.get('expires');
  const candidates = typeof keyId === 'string' ? keys.get(keyId) : undefined;
  if (candidates === undefined) return null;
  const claimed = agentOf(request, label, components);
  if (claimed === 'unsigned') return 'refused';
  // why: keys count for the crawler that they were found with, not for whom a client names (section 4.5 of the draft).
  const trusted = candidates.find(({ agent }) => claimed === null || agent === claimed);
  if (trusted === undefined) return null;
  if (nowMs < trusted.notBefore || nowMs > trusted.notAfter) return 'refused';
  if (!isTimely(parameters.get('created'), expires, nowMs / 1_000)) return 'refused';
  if ((parameters.get('alg') ?? 'ed25519') !== 'ed25519') return 'refused';
  if (signature.length !== SIGNATURE_BYTES) return 'refused';
  if (nonce !== null && (typeof nonce !== 'string' || nonce.length > MAX_NONCE)) return 'refused';
  const base = signatureBase(request, components, covered);
  if (base === null || !verify(null, Buffer.from(base), trusted.key, signature)) return 'refused';
  return { agent: trusted.agent, keyId: keyId as string, nonce, expiresMs: (expires as number) * 1_000 };
}

function isTimely(created: BareItem | undefined, expires: BareItem | undefined, now: number): boolean {
  if (typeof created !== 'number' || typeof expires !== 'number') return false;
  return created <= now + SKEW_S && expires > now && expires > created && expires - created <= MAX_LIFETIME_S;
}

/** RFC 9421 section 2.5; null: something is covered that this request does not have, or not what must be. */
function signatureBase(
  request: SignedRequest,
  components: readonly Item[],
  covered: InnerList,
): string | null {
  if (components.length > MAX_COMPONENTS) return null;
  const names = components.map(([name]) => name);
  // why: without the authority, what was signed for one site would be good for all.
  if (!names.includes('@authority') && !names.includes('@target-uri')) return null;
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const component of components) {
    const identifier = serializeItem(component);
    const value = valueOfComponent(request, component);
    if (value === null || seen.has(identifier)) return null;
    seen.add(identifier);
    lines.push(`${identifier}: ${value}`);
  }
  lines.push(`"@signature-params": ${serializeInnerList(covered)}`);
  return lines.join('\n');
}

function valueOfComponent(request: SignedRequest, [name, parameters]: Item): string | null {
  if (typeof name !== 'string' || name !== name.toLowerCase()) return null;
  const { method, target } = request;
  const query = target.indexOf('?');
  const key = parameters.get('key');
  if (parameters.size > (key === undefined ? 0 : 1)) return null;
  switch (name) {
    case '@method':
      return method;
    case '@authority':
      return authorityOf(request);
    case '@scheme':
      return 'https';
    case '@target-uri':
      return `https://${authorityOf(request)}${target}`;
    case '@request-target':
      return target;
    case '@path':
      return query === -1 ? target : target.slice(0, query);
    case '@query':
      return query === -1 ? '?' : target.slice(query);
  }
  if (name.startsWith('@')) return null;
  const field = fieldOf(request, name);
  if (field === null || key === undefined) return field;
  const member = typeof key === 'string' ? parseDictionary(field).get(key) : undefined;
  if (member === undefined) return null;
  return isInnerList(member) ? serializeInnerList(member) : serializeItem(member);
}

/** RFC 9421 section 2.2.3: in lower case, without the port that https has anyway. */
function authorityOf({ authority }: SignedRequest): string {
  return authority.toLowerCase().replace(/:443$/, '');
}

/**
 * The origin in Signature-Agent, which names where the key is published; null: there is no such field. `unsigned`: the
 * signature does not cover it, so that anybody may have put it there. What is no origin of a directory is '', nobody's.
 */
function agentOf(request: SignedRequest, label: string, components: readonly Item[]): string | null {
  const field = fieldOf(request, 'signature-agent');
  if (field === null) return null;
  const covered = components.filter(([name]) => name === 'signature-agent');
  const signed = covered.find(([, parameters]) => parameters.get('key') === label) ?? covered[0];
  if (signed === undefined) return 'unsigned';
  // A string in earlier drafts, a dictionary of strings in later ones.
  const key = signed[1].get('key');
  const member = typeof key === 'string' ? parseDictionary(field).get(key) : parseItem(field);
  if (member === undefined || isInnerList(member)) return '';
  const [text, parameters] = member;
  const type = parameters.get('type');
  if (type !== undefined && !(type instanceof Token && type.toString() === 'directory')) return '';
  const url = typeof text === 'string' ? URL.parse(text) : null;
  return url?.protocol === 'https:' && url.href === `${url.origin}/` ? url.origin : '';
}

/** The values of a field, joined as RFC 9421 section 2.1 says; null: there is none. */
function fieldOf({ rawHeaders }: SignedRequest, wanted: string): string | null {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() === wanted) values.push(rawHeaders[i + 1]!.trim());
  }
  return values.length === 0 ? null : values.join(', ');
}
