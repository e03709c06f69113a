/** Questions to DNS, a bounded number at a time: what does not fit is not asked. */
import { Resolver } from 'node:dns/promises';

/** Longest wait for one answer, and how often it is asked for. */
const TIMEOUT_MS = 2_000;
const TRIES = 2;
/** Questions under way, and those that wait, at most. */
const MAX_RUNNING = 64;
const MAX_WAITING = 1_024;
/** Failures in a row after which nothing is asked for a while, the first of these pauses, and the longest. */
const FAILURES = 5;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 300_000;
/** Codes that are answers: the name, or a record of the type, does not exist. */
const ABSENT: readonly string[] = ['ENOTFOUND', 'ENODATA'];

/** Addresses of a name and for how many seconds they are good. */
export interface Addresses {
  readonly addresses: readonly string[];
  readonly ttl: number;
}

/** Too many questions wait, or the resolver fails: nothing was asked. */
export class NotAskedError extends Error {}

export class DnsClient {
  readonly #resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #failures = 0;
  #pausedUntil = 0;

  /** @param servers `IP` or `IP:port`; none: those of the system. */
  constructor(servers: readonly string[]) {
    if (servers.length > 0) this.#resolver.setServers(servers);
  }

  /** Null: there are none. @throws NotAskedError, or the resolver's error. */
  addresses(name: string, family: 4 | 6): Promise<Addresses | null> {
    return this.#ask(async () => {
      const records =
        family === 4
          ? await this.#resolver.resolve4(name, { ttl: true })
          : await this.#resolver.resolve6(name, { ttl: true });
      return {
        addresses: records.map(({ address }) => address),
        ttl: Math.min(...records.map(({ ttl }) => ttl)),
      };
    });
  }

  /**
   * Names that an address has, asked for by its name below `arpa` (RFC 1035 section 3.5); null: none.
   * @throws NotAskedError, or the resolver's error.
   */
  names(arpa: string): Promise<readonly string[] | null> {
    return this.#ask(() => this.#resolver.resolvePtr(arpa));
  }

  close(): void {
    this.#resolver.cancel();
    for (const start of this.#waiting.splice(0)) start();
  }

  async #ask<T>(question: () => Promise<T>): Promise<T | null> {
    if (Date.now() < this.#pausedUntil) throw new NotAskedError('the resolver has failed; it is left alone');
    if (this.#running >= MAX_RUNNING) await this.#wait();
    this.#running++;
    try {
      const answer = await question();
      this.#failures = 0;
      return answer;
    } catch (error) {
      if (ABSENT.includes((error as NodeJS.ErrnoException).code ?? '')) {
        this.#failures = 0;
        return null;
      }
      this.#countFailure();
      throw error;
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) throw new NotAskedError('too many questions wait');
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #countFailure(): void {
    this.#failures++;
    if (this.#failures < FAILURES) return;
    const pause = FIRST_PAUSE_MS * 2 ** Math.min(this.#failures - FAILURES, 20);
    this.#pausedUntil = Date.now() + Math.min(MAX_PAUSE_MS, pause);
  }
}
