/** Fetches a feed over HTTP: conditional, bounded in size and time, three redirects at most. */
import { type Dispatcher, request } from 'undici';
import type { Feed } from '../pdl/ir.ts';
import { FeedFormatError } from './content.ts';
import { type FeedClient, LocalRedirectError } from './http-client.ts';
import { SCOPES } from './json.ts';
import { DIRECTORY_TYPE, KEY_DIRECTORY, MAX_DIRECTORY_BYTES, readDirectory } from './key-directory.ts';
import type { FeedOptions } from './settings.ts';
import type { FeedState } from './store.ts';

/** A larger answer is refused, and no more of it is read. */
export const MAX_FEED_BYTES: number = 64 * 1024 * 1024;
const MAX_REDIRECTS = 3;
/** Pages of one TAXII collection, and events of one MISP manifest. */
const MAX_PAGES = 200;
const TAXII = 'application/taxii+json;version=2.1';
const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost'];

export type Fetched =
  | {
      readonly kind: 'content';
      readonly bytes: Uint8Array;
      readonly etag: string | null;
      readonly lastModified: string | null;
    }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number | null };

export interface FetchRequest {
  readonly feed: Feed;
  readonly options: FeedOptions;
  /** What authorises the fetch; null: nothing. */
  readonly secret: Uint8Array | null;
  readonly copy: FeedState['copy'];
  /** Of CrowdSec: only what changed since it was last asked; else every decision in force. */
  readonly changesOnly: boolean;
  /** For each request. */
  readonly timeoutMs: number;
  readonly client: FeedClient;
}

/** A message for the operator; it holds no secret, since none is in an address. */
class FetchError extends Error {
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null = null) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Never throws for what the network does. */
export async function fetchFeed(asked: FetchRequest): Promise<Fetched> {
  try {
    const { feed, options, copy } = asked;
    const format = options.format ?? feed.format;
    if (format === 'taxii') return content(await fetchTaxii(asked));
    if (format === 'misp' && new URL(feed.path).pathname.endsWith('/manifest.json')) {
      return content(await fetchMispEvents(asked));
    }
    const headers: Record<string, string> = { accept: format === KEY_DIRECTORY ? DIRECTORY_TYPE : '*/*' };
    if (feed.source !== 'crowdsec' && copy?.etag) headers['if-none-match'] = copy.etag;
    if (feed.source !== 'crowdsec' && copy?.lastModified) headers['if-modified-since'] = copy.lastModified;
    const url = addressOf(asked);
    const answer = await get(asked, url, headers, format === KEY_DIRECTORY ? DIRECTORY : LIST);
    if (answer === null) return { kind: 'unchanged' };
    const { etag, lastModified } = answer;
    const bytes = format === KEY_DIRECTORY ? readDirectory(url, answer, Date.now()) : answer.bytes;
    return { kind: 'content', bytes, etag, lastModified };
  } catch (error) {
    const reason = reasonOf(error as Error);
    return { kind: 'failed', reason, retryAfterMs: error instanceof FetchError ? error.retryAfterMs : null };
  }
}

function reasonOf(error: Error & { code?: string }): string {
  const isTold = [FetchError, LocalRedirectError, FeedFormatError].some((kind) => error instanceof kind);
  if (isTold) return error.message;
  return error.name === 'TimeoutError' ? 'no answer in time' : (error.code ?? error.message);
}

function content(document: object): Fetched {
  return { kind: 'content', bytes: Buffer.from(JSON.stringify(document)), etag: null, lastModified: null };
}

/** A local API of CrowdSec remembers what it has told; `startup` has it begin anew. Unasked, it tells of addresses alone. */
function addressOf({ feed, changesOnly }: FetchRequest): URL {
  if (feed.source !== 'crowdsec') return new URL(feed.path);
  const base = feed.path.endsWith('/') ? feed.path : `${feed.path}/`;
  const scopes = SCOPES[feed.type] ?? [];
  return new URL(`v1/decisions/stream?startup=${!changesOnly}&scopes=${scopes.join(',')}`, base);
}

function authorization({ feed, options, secret }: FetchRequest): Record<string, string> {
  if (secret === null) return {};
  const value = Buffer.from(secret).toString('utf8').trim();
  const header = options.header ?? (feed.source === 'crowdsec' ? 'x-api-key' : null);
  if (header !== null) return { [header]: value };
  // `user:password` is for HTTP Basic (RFC 7617), anything else a bearer token (RFC 6750).
  const basic = value.includes(':');
  return { authorization: basic ? `Basic ${Buffer.from(value).toString('base64')}` : `Bearer ${value}` };
}

interface Answer {
  readonly bytes: Uint8Array;
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly field: (name: string) => string | null;
}

/** What is borne with. */
interface Bounds {
  readonly redirects: number;
  readonly bytes: number;
}

const LIST: Bounds = { redirects: MAX_REDIRECTS, bytes: MAX_FEED_BYTES };
/** why: who is redirected to would speak for the crawler (draft-meunier-webbotauth-httpsig-protocol-02, section 4.6). */
const DIRECTORY: Bounds = { redirects: 0, bytes: MAX_DIRECTORY_BYTES };

/** One GET; null when the server says that nothing changed. */
async function get(
  asked: FetchRequest,
  start: URL,
  headers: Record<string, string>,
  bounds: Bounds = LIST,
): Promise<Answer | null> {
  const signal = AbortSignal.timeout(asked.timeoutMs);
  let url = start;
  for (let hop = 0; hop <= bounds.redirects; hop++) {
    checkScheme(url);
    // why: a secret is for the server it was given for, wherever that one points.
    const secret = url.origin === start.origin ? authorization(asked) : {};
    const {
      statusCode,
      headers: answered,
      body,
    } = await request(url, {
      dispatcher: await asked.client.dispatcher(url, start),
      headers: { 'user-agent': 'sallyport', ...headers, ...secret },
      signal,
    });
    const text = (name: string): string | null => {
      const value = answered[name];
      return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;
    };
    const location = text('location');
    if (statusCode >= 301 && statusCode <= 308 && statusCode !== 304 && location !== null) {
      await body.dump({ limit: 65_536 });
      const next = URL.parse(location, url);
      if (next === null) throw new FetchError('the server redirects to something that is no address');
      url = next;
      continue;
    }
    if (statusCode === 304) {
      await body.dump({ limit: 65_536 });
      if (asked.copy === null) throw new FetchError('the server says 304, and there is no copy');
      return null;
    }
    if (statusCode !== 200) {
      await body.dump({ limit: 65_536 });
      throw new FetchError(`the server answers ${statusCode}`, retryAfter(text('retry-after')));
    }
    const bytes = await readBody(body, Number(text('content-length') ?? Number.NaN), bounds.bytes);
    return { bytes, etag: text('etag'), lastModified: text('last-modified'), field: text };
  }
  const { redirects } = bounds;
  throw new FetchError(`the server redirects${redirects === 0 ? '' : ` more than ${redirects} times`}`);
}

function checkScheme(url: URL): void {
  const isLocal = url.protocol === 'http:' && LOOPBACK.includes(url.hostname);
  if (url.protocol !== 'https:' && !isLocal) throw new FetchError(`${url.origin} is not https`);
}

async function readBody(
  body: Dispatcher.ResponseData['body'],
  promised: number,
  most: number,
): Promise<Uint8Array> {
  if (promised > most) {
    body.destroy();
    throw new FetchError(`it is ${promised} bytes long; at most ${most} are read`);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new FetchError(`it is longer than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** `Retry-After`: seconds or a date (RFC 9110 section 10.2.3). */
function retryAfter(value: string | null): number | null {
  if (value === null) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return ms > 0 ? ms : null;
}

async function getJson(asked: FetchRequest, url: URL, accept: string): Promise<Record<string, unknown>> {
  const answer = await get({ ...asked, copy: null }, url, { accept });
  try {
    const value: unknown = JSON.parse(Buffer.from(answer!.bytes).toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw new FetchError('the server answers something that is not JSON');
}

/** All pages of a collection's objects, as one envelope (TAXII 2.1 section 3.5 and 5.4). */
async function fetchTaxii(asked: FetchRequest): Promise<object> {
  const url = new URL(asked.feed.path);
  const objects: unknown[] = [];
  for (let page = 0; page < MAX_PAGES; page++) {
    const envelope = await getJson(asked, url, TAXII);
    // why: an empty page is `{}` (section 3.7), but an error document must not become an empty list.
    if ('http_status' in envelope || 'title' in envelope)
      throw new FetchError('the server answers no TAXII envelope');
    if (Array.isArray(envelope.objects)) for (const object of envelope.objects) objects.push(object);
    if (envelope.more !== true) return { objects };
    if (typeof envelope.next !== 'string')
      throw new FetchError('the server has more, and does not say where');
    url.searchParams.set('next', envelope.next);
  }
  throw new FetchError(`the collection has more than ${MAX_PAGES} pages`);
}

/** The newest events of a MISP feed's manifest. */
async function fetchMispEvents(asked: FetchRequest): Promise<object> {
  const url = new URL(asked.feed.path);
  const manifest = await getJson(asked, url, 'application/json');
  const events = Object.entries(manifest).filter(([id]) => /^[0-9a-f-]{36}$/.test(id));
  const time = ([, entry]: [string, unknown]): number =>
    Number((entry as { timestamp?: unknown } | null)?.timestamp ?? 0);
  const newest = events.sort((a, b) => time(b) - time(a)).slice(0, MAX_PAGES);
  if (newest.length === 0) throw new FetchError('the manifest names no event');
  const response: object[] = [];
  for (const [id] of newest)
    response.push(await getJson(asked, new URL(`${id}.json`, url), 'application/json'));
  return { response };
}
