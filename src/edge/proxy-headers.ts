/** Which header fields cross the edge, in either direction. */
import { CLEARANCE_COOKIE } from '../challenge/cookie.ts';
import type { HeadersConfig } from '../config/schema.ts';

/** What the edge knows about a request and tells its upstream. */
export interface ProxyContext {
  readonly clientIp: string;
  readonly clientPort: number;
  readonly proto: 'https';
  /** Authority the client asked for; empty: the upstream's own is sent. */
  readonly host: string;
  /** 0 (good) to 100 (bad). */
  readonly score: number;
  readonly policy: string;
  readonly decision: string;
  readonly ja4: string;
  readonly ja3Hash: string;
  readonly requestId: string;
  /** The client's certificate, as `X-Forwarded-Client-Cert` has it; empty without one. */
  readonly clientCertificate: string;
  /** Milliseconds without a byte after which an upgraded connection is closed, when shorter than the upstream's. */
  readonly idleMs?: number | null;
  /** Called once it was closed for that. */
  readonly onIdle?: () => void;
  /** Called at most once, with the name of what went wrong on the upstream's side. */
  readonly onError?: (code: string) => void;
}

/** Fields of one connection, not of the message (RFC 9110 section 7.6.1), and what HTTP/2 forbids. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Fields in which only a proxy speaks, or that the edge meets itself (`expect`: the server has
 * answered 100 already). A client's copy never passes.
 */
const RESERVED: ReadonlySet<string> = new Set(['expect', 'forwarded', 'host', 'x-real-ip']);
const RESERVED_PREFIXES = ['x-forwarded-', 'x-sallyport-'];
const VIA = 'sallyport';

/** Decides about names; made once for an upstream. */
export class HeaderRules {
  readonly #names: HeadersConfig;
  readonly #own: ReadonlySet<string>;

  constructor(names: HeadersConfig) {
    this.#names = names;
    this.#own = new Set(Object.values(names).map(canonical));
  }

  /**
   * The fields for the upstream, name and value in turn: those of the client that may pass, then the
   * edge's own. The host is not among them.
   * @param rawHeaders As `IncomingMessage` has them.
   * @param httpVersion As `IncomingMessage` has it.
   */
  forRequest(rawHeaders: readonly string[], httpVersion: string, context: ProxyContext): string[] {
    const nominated = nominatedBy(rawHeaders);
    const fields: string[] = [];
    const cookies: string[] = [];
    const via: string[] = [];
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!;
      const value = rawHeaders[i + 1]!;
      const plain = canonical(name);
      if (this.#stays(plain) || nominated.has(plain)) continue;
      if (plain === 'cookie') cookies.push(value);
      else if (plain === 'via') via.push(value);
      else fields.push(name, value);
    }
    // why: HTTP/2 clients may send a cookie in crumbs, HTTP/1.1 knows one field (RFC 9113 section 8.2.3).
    const cookie = withoutClearance(cookies.join('; '));
    if (cookie !== '') fields.push('Cookie', cookie);
    via.push(`${httpVersion.replace(/\.0$/, '')} ${VIA}`);
    fields.push('Via', via.join(', '));
    this.#addOwn(fields, context);
    return fields;
  }

  #stays(plain: string): boolean {
    if (plain.startsWith(':') || HOP_BY_HOP.has(plain) || RESERVED.has(plain) || this.#own.has(plain)) {
      return true;
    }
    return RESERVED_PREFIXES.some((prefix) => plain.startsWith(prefix));
  }

  #addOwn(fields: string[], context: ProxyContext): void {
    const names = this.#names;
    const add = (name: string, value: string): void => {
      if (name !== '' && value !== '') fields.push(name, value);
    };
    add('X-Forwarded-For', context.clientIp);
    add('X-Forwarded-Proto', context.proto);
    add('X-Forwarded-Host', context.host);
    add('X-Forwarded-Port', /:(\d+)$/.exec(context.host)?.[1] ?? '443');
    add('X-Forwarded-Client-Cert', context.clientCertificate);
    add(names.score, String(context.score));
    add(names.policy, context.policy);
    add(names.decision, context.decision);
    add(names.ja4, context.ja4);
    add(names.ja3, context.ja3Hash);
    add(names.requestId, context.requestId);
  }
}

/**
 * The fields of an upstream's response that go on to the client, each name once with all its values.
 * @param raw Name and value in turn.
 */
export function responseFields(raw: readonly Buffer[]): Map<string, string | string[]> {
  const texts = raw.map((bytes) => bytes.toString('latin1'));
  const nominated = nominatedBy(texts);
  const fields = new Map<string, string | string[]>();
  const spelling = new Map<string, string>();
  for (let i = 0; i < texts.length; i += 2) {
    const lower = texts[i]!.toLowerCase();
    const value = texts[i + 1]!;
    if (HOP_BY_HOP.has(lower) || nominated.has(lower)) continue;
    const name = spelling.get(lower) ?? texts[i]!;
    spelling.set(lower, name);
    const before = fields.get(name);
    if (before === undefined) fields.set(name, value);
    else fields.set(name, Array.isArray(before) ? [...before, value] : [before, value]);
  }
  return fields;
}

/** Names in lower case; `_` counts as `-`, since CGI and WSGI servers cannot tell them apart. */
function canonical(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** The names that a message's `Connection` fields declare hop-by-hop. */
function nominatedBy(raw: readonly string[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.toLowerCase() !== 'connection') continue;
    for (const name of raw[i + 1]!.split(',')) names.add(canonical(name.trim()));
  }
  return names;
}

/** A clearance is between the client and the edge. */
function withoutClearance(cookie: string): string {
  if (!cookie.includes(CLEARANCE_COOKIE)) return cookie;
  const pairs = cookie.split(';').filter((pair) => !pair.trim().startsWith(`${CLEARANCE_COOKIE}=`));
  return pairs.join(';').trim();
}
