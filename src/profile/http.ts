/** What an HTTP request tells of its client, in one form for HTTP/1.1 and HTTP/2. */
import { hash } from 'node:crypto';

/** A request as Node's servers of both versions give it. */
export interface RequestHead {
  readonly method?: string | undefined;
  /** The request target. */
  readonly url?: string | undefined;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  /** Names and values in turn, as they came; pseudo-header fields of HTTP/2 among them. */
  readonly rawHeaders: readonly string[];
}

export interface HttpProfile {
  readonly method: string;
  /** Lower case, without port and trailing dot; null when the request names none. */
  readonly host: string | null;
  /** Without the query, normalised by RFC 3986 section 6.2.2. */
  readonly path: string;
  /** `1.0`, `1.1`, `2`. */
  readonly version: string;
  readonly userAgent: string | null;
  /** Names in lower case, each once, in their order. */
  readonly headers: readonly string[];
  /** 16 hex digits of the order of the names that do not depend on the single request; see `headerOrder`. */
  readonly headerOrder: string;
  readonly contentLength: number | null;
  readonly cookies: number;
}

const UNRESERVED = /%(?:2[DE]|3\d|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])/gi;

/** Percent-encoded unreserved characters as themselves, dot segments removed (RFC 3986 sections 2.3 and 5.2.4). */
function normalizePath(target: string): string {
  const start = target.startsWith('/') ? 0 : target.indexOf('/', target.indexOf('://') + 3);
  if (start === -1) return '/';
  const path = target.slice(start).replace(/[?#].*$/s, '');
  const plain = path.replace(UNRESERVED, (text) => String.fromCharCode(Number.parseInt(text.slice(1), 16)));
  // why: a target that begins with two slashes would be taken for a host without the third.
  const url = URL.parse(`http://x${plain}`);
  return url === null ? plain : url.pathname;
}

function normalizeHost(authority: string): string {
  const host = authority.startsWith('[')
    ? authority.slice(1, authority.indexOf(']'))
    : authority.replace(/:\d*$/, '');
  return host.toLowerCase().replace(/\.$/, '');
}

/** Names that come and go with the request, and say little about the program that made it. */
const PASSING: ReadonlySet<string> = new Set([
  ...['authorization', 'cache-control', 'content-length', 'content-type', 'cookie', 'if-match'],
  ...['if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'origin', 'pragma'],
  ...['range', 'referer', 'transfer-encoding'],
]);

/** The beginning of the SHA-256 of the names in lower case and in their order, without passing ones, between commas. */
export function headerOrder(names: readonly string[]): string {
  const lasting = names.filter((name) => !PASSING.has(name));
  return hash('sha256', lasting.join(',')).slice(0, 16);
}

/** Pairs in a Cookie field (RFC 6265 section 4.2.1). */
function countCookies(field: string): number {
  return field.split(';').filter((pair) => pair.trim() !== '').length;
}

/** The profile of a request. */
export function profileRequest(request: RequestHead): HttpProfile {
  const { rawHeaders, httpVersionMajor: major, httpVersionMinor: minor } = request;
  const names = new Set<string>();
  let authority: string | null = null;
  let host: string | null = null;
  let userAgent: string | null = null;
  let contentLength: number | null = null;
  let cookies = 0;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    const value = rawHeaders[i + 1]!;
    if (name === ':authority') authority = value;
    if (name.startsWith(':')) continue;
    names.add(name);
    if (name === 'host') host ??= value;
    else if (name === 'user-agent') userAgent ??= value;
    else if (name === 'cookie') cookies += countCookies(value);
    else if (name === 'content-length' && /^\d{1,15}$/.test(value)) contentLength ??= Number(value);
  }
  const target = request.url ?? '/';
  const named = /^https?:\/\//i.test(target) ? (URL.parse(target)?.host ?? null) : null;
  const asked = named ?? authority ?? host;
  const headers = [...names];
  return {
    method: request.method ?? '',
    host: asked === null || asked === '' ? null : normalizeHost(asked),
    path: normalizePath(target),
    version: major === 1 ? `1.${minor}` : String(major),
    userAgent,
    headers,
    headerOrder: headerOrder(headers),
    contentLength,
    cookies,
  };
}
