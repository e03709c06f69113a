/**
 * Directories that crawlers publish their keys in (draft-meunier-webbotauth-httpsig-protocol-02): a JSON Web Key Set at
 * a well-known address, whose answer may be signed by each of its keys. Only those that the operator of this edge names
 * are ever fetched, never one that a client names.
 */
import { createHash, verify } from 'node:crypto';
import {
  type InnerList,
  type Item,
  isInnerList,
  parseDictionary,
  serializeInnerList,
  serializeItem,
} from 'structured-headers';
import { type BotKey, publicKey, readKeys } from './bot-keys.ts';
import { FeedFormatError } from './content.ts';

/** The format of a feed that is such a directory; no policy can name it. */
export const KEY_DIRECTORY = 'key-directory' as const;
export const DIRECTORY_TYPE = 'application/http-message-signatures-directory+json';
/** A larger answer is refused. */
export const MAX_DIRECTORY_BYTES: number = 256 * 1024;
const PATH = '/.well-known/http-message-signatures-directory';
const TAG = 'http-message-signatures-directory';
const MAX_FIELD = 32_768;
const SKEW_S = 60;

export interface DirectoryAnswer {
  readonly bytes: Uint8Array;
  /** A field of the answer, its values joined by commas (RFC 9421 section 2.1); null: there is none. */
  readonly field: (name: string) => string | null;
}

export function directoryUrl(agent: string): string {
  return `${agent}${PATH}`;
}

/**
 * The keys of an answer that may be used, as a JSON Web Key Set of our own. A directory may do without signatures of its
 * keys (appendix B.1); where a key has one, it must be right: another host may have copied the directory.
 * @throws FeedFormatError when it is no directory, or none of its keys may be used.
 */
export function readDirectory(url: URL, answer: DirectoryAnswer, nowMs: number): Uint8Array {
  const type = (answer.field('content-type') ?? 'missing').replace(/;.*/s, '').trim().toLowerCase();
  if (type !== DIRECTORY_TYPE) throw new FeedFormatError(`its media type is ${type}, not ${DIRECTORY_TYPE}`);
  const text = Buffer.from(answer.bytes).toString('utf8');
  const keys = keysOf(url.origin, text);
  const proofs = readProofs(answer);
  const usable = keys.filter((key) => {
    const own = proofs.filter(({ covered }) => covered[1].get('keyid') === key.keyId);
    return own.length === 0 || own.some((proof) => isGood(proof, key, url, answer, nowMs));
  });
  if (usable.length === 0) throw new FeedFormatError('no key has signed it rightly');
  const set = usable.map(({ keyId: kid, x, notBefore: nbf, notAfter: exp }) => {
    return { kty: 'OKP', crv: 'Ed25519', kid, x, nbf, exp };
  });
  return Buffer.from(JSON.stringify({ keys: set }));
}

/** Keys whose `kid`, where they have one, is their thumbprint, as a directory's must be (section 4.6). */
function keysOf(agent: string, text: string): BotKey[] {
  const keys = feedKeys(agent, text);
  const labels = (JSON.parse(text) as { keys: ({ x?: unknown; kid?: unknown } | null)[] }).keys;
  const isLabelled = ({ x, keyId }: BotKey): boolean =>
    labels.some((each) => each?.x === x && (each.kid ?? keyId) === keyId);
  const right = keys.filter(isLabelled);
  if (right.length === 0) throw new FeedFormatError('no `kid` of its keys is the thumbprint of its key');
  return right;
}

/** @throws FeedFormatError for what is no set of keys. */
export function feedKeys(agent: string, text: string): BotKey[] {
  try {
    return readKeys(agent, text);
  } catch (error) {
    throw new FeedFormatError((error as Error).message);
  }
}

interface Proof {
  readonly covered: InnerList;
  readonly signature: Uint8Array | null;
}

/** The signatures with the tag of directories. */
function readProofs({ field }: DirectoryAnswer): Proof[] {
  const input = field('signature-input');
  const signatures = field('signature') ?? '';
  if (input === null) return [];
  if (input.length + signatures.length > MAX_FIELD) throw new FeedFormatError('its signatures are too long');
  try {
    const values = parseDictionary(signatures);
    return [...parseDictionary(input)].flatMap(([label, member]): Proof[] => {
      if (!isInnerList(member) || member[1].get('tag') !== TAG) return [];
      const value = values.get(label);
      const bytes = value !== undefined && !isInnerList(value) ? value[0] : null;
      return [{ covered: member, signature: bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : null }];
    });
  } catch {
    throw new FeedFormatError('its signatures are no structured fields');
  }
}

function isGood(
  { covered, signature }: Proof,
  key: BotKey,
  url: URL,
  answer: DirectoryAnswer,
  nowMs: number,
): boolean {
  const [components, parameters] = covered;
  const [created, expires] = [parameters.get('created'), parameters.get('expires')];
  if (signature === null || typeof created !== 'number' || typeof expires !== 'number') return false;
  if (created > nowMs / 1_000 + SKEW_S || expires <= nowMs / 1_000) return false;
  if ((parameters.get('alg') ?? 'ed25519') !== 'ed25519') return false;
  const base = signatureBase(components, covered, url, answer);
  return base !== null && verify(null, Buffer.from(base), publicKey(key.x), signature);
}

/** RFC 9421 section 2.5; null: it covers something else, or not the host that it was asked of. */
function signatureBase(
  components: readonly Item[],
  covered: InnerList,
  url: URL,
  answer: DirectoryAnswer,
): string | null {
  const lines: string[] = [];
  let hasAuthority = false;
  for (const [name, parameters] of components) {
    let value: string | null = null;
    // why: older drafts have the authority alone covered, later ones the digest too.
    if (name === '@authority' && parameters.get('req') === true && parameters.size === 1) {
      value = url.host;
      hasAuthority = true;
    } else if (name === 'content-digest' && parameters.size === 0) value = digestField(answer);
    if (value === null) return null;
    lines.push(`${serializeItem([name, parameters])}: ${value}`);
  }
  lines.push(`"@signature-params": ${serializeInnerList(covered)}`);
  return hasAuthority ? lines.join('\n') : null;
}

/** `Content-Digest` (RFC 9530) as it came; null: it is not that of the content. */
function digestField({ bytes, field }: DirectoryAnswer): string | null {
  const text = field('content-digest');
  if (text === null) return null;
  try {
    const known = [...parseDictionary(text)].filter(([name]) => name === 'sha-256' || name === 'sha-512');
    const isRight = known.every(([name, [value]]) => {
      const digest = createHash(name.replace('-', '')).update(bytes).digest();
      return value instanceof ArrayBuffer && digest.equals(new Uint8Array(value));
    });
    return known.length > 0 && isRight ? text : null;
  } catch {
    return null;
  }
}
