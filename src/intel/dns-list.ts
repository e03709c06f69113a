/** One DNS list of addresses (RFC 5782): how it is asked, what its answers mean, and whether it can be believed. */
import type { Feed } from '../pdl/ir.ts';
import { type DnsClient, NotAskedError } from './dns-client.ts';

/** RFC 5782 section 5: a list that works has the first and not the second. */
const LISTED_POINT = Uint8Array.of(...new Array(10).fill(0), 255, 255, 127, 0, 0, 2);
const CLEAN_POINT = Uint8Array.of(...new Array(10).fill(0), 255, 255, 127, 0, 0, 1);
/** How often the points are asked again while the list is good, and the first wait when it is not. */
const CHECK_MS = 300_000;
const RECHECK_MS = 5_000;
/** So many addresses listed in a row are no chance: a list that was given up may have all of them. */
const SUSPICIOUS_ROW = 16;
/** Bounds of how long an answer is good, in seconds; the answer's own time to live counts between them. */
const MIN_TTL_S = 30;
const MAX_TTL_S = 86_400;
/** How long "not listed" is good where the feed has no `refresh`. */
const NEGATIVE_MS = 600_000;

export interface DnsAnswer {
  readonly isListed: boolean;
  readonly lifetimeMs: number;
}

export type DnsResult = 'listed' | 'not_listed' | 'failed' | 'dropped';

export interface DnsListHealth {
  readonly feed: string;
  /** Why its answers are not used; null: they are. */
  readonly problem: string | null;
  readonly results: Readonly<Record<DnsResult, number>>;
}

/** The name that asks a list about an address (RFC 5782 sections 2.1 and 2.4). @param ip 16 bytes. */
export function questionFor(ip: Uint8Array, isV4: boolean, zone: string): string {
  if (isV4) return `${[...ip.subarray(12)].reverse().join('.')}.${zone}`;
  const nibbles = [...ip].flatMap((byte) => [byte >> 4, byte & 15]);
  return `${nibbles
    .reverse()
    .map((nibble) => nibble.toString(16))
    .join('.')}.${zone}`;
}

/** Does an answer say that the address is listed? @throws Error when it is no answer of such a list. */
function isListing(addresses: readonly string[]): boolean {
  for (const address of addresses) {
    // why: lists answer so to resolvers that they do not serve, and no client is listed for that.
    if (/^127\.255\.255\./.test(address)) throw new Error(`the list refuses the resolver (${address})`);
    if (!address.startsWith('127.')) throw new Error(`the answer ${address} is none of a list`);
  }
  return addresses.length > 0;
}

export class DnsList {
  readonly feed: Feed;
  readonly #client: DnsClient;
  readonly #results: Record<DnsResult, number> = { listed: 0, not_listed: 0, failed: 0, dropped: 0 };
  #problem: string | null = 'it was not asked yet';
  #row = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | null = null;
  #checking: Promise<string | null> | null = null;
  #isClosed = false;
  /** Its test points were asked for at least once. */
  isTested = false;

  constructor(feed: Feed, client: DnsClient) {
    this.feed = feed;
    this.#client = client;
  }

  get health(): DnsListHealth {
    return { feed: this.feed.name, problem: this.#problem, results: this.#results };
  }

  /** Null: nothing is known; the list cannot be believed, or did not answer. Never throws. */
  async ask(ip: Uint8Array, isV4: boolean): Promise<DnsAnswer | null> {
    if (this.#problem !== null) return this.#count('dropped', null);
    let answer: DnsAnswer;
    try {
      answer = await this.#ask(ip, isV4);
    } catch (error) {
      return this.#count(error instanceof NotAskedError ? 'dropped' : 'failed', null);
    }
    this.#row = answer.isListed ? this.#row + 1 : 0;
    // why: lists that close answer "listed" to everything, and everybody would be turned away until the next check.
    if (this.#row > 0 && this.#row % SUSPICIOUS_ROW === 0 && (await this.check()) !== null) {
      return this.#count('dropped', null);
    }
    return this.#count(answer.isListed ? 'listed' : 'not_listed', answer);
  }

  /** Asks for the test points; null when the list works, else what is wrong. Goes on asking from time to time. */
  check(): Promise<string | null> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer ?? undefined);
  }

  #count(result: DnsResult, answer: DnsAnswer | null): DnsAnswer | null {
    this.#results[result]++;
    return answer;
  }

  async #ask(ip: Uint8Array, isV4: boolean): Promise<DnsAnswer> {
    const found = await this.#client.addresses(questionFor(ip, isV4, this.feed.path), 4);
    if (found === null || !isListing(found.addresses)) {
      return { isListed: false, lifetimeMs: this.feed.refreshMs ?? NEGATIVE_MS };
    }
    const ttl = Math.min(MAX_TTL_S, Math.max(MIN_TTL_S, found.ttl));
    return { isListed: true, lifetimeMs: ttl * 1_000 };
  }

  async #check(): Promise<string | null> {
    this.#problem = await this.#test();
    this.isTested = true;
    this.#row = 0;
    this.#failures = this.#problem === null ? 0 : this.#failures + 1;
    const wait =
      this.#problem === null
        ? CHECK_MS
        : Math.min(CHECK_MS, RECHECK_MS * 2 ** Math.min(this.#failures - 1, 20));
    clearTimeout(this.#timer ?? undefined);
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.check(), wait).unref();
    return this.#problem;
  }

  async #test(): Promise<string | null> {
    try {
      const [listed, clean] = await Promise.all([
        this.#ask(LISTED_POINT, true),
        this.#ask(CLEAN_POINT, true),
      ]);
      if (!listed.isListed) return 'it does not list its test point 127.0.0.2';
      return clean.isListed ? 'it lists 127.0.0.1, and so perhaps everything' : null;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    }
  }
}
