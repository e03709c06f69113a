/**
 * Keeps OCSP answers about the certificates that policies staple, on the main thread: asks their responders or reads
 * files, verifies what comes, renews it long before it ends, and lets nothing be stapled that is out of date or does not
 * say `good`.
 */
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { askResponder } from '../identity/ocsp-responder.ts';
import { MAX_STAPLE_BYTES, type ReadStaple, readStaple, type Staples } from '../identity/staple.ts';
import { StapleStore } from '../identity/staple-store.ts';
import { nextDelay } from '../intel/refresher.ts';
import type { StapleHealth, StapleResult } from '../observe/ocsp-metrics.ts';
import type { StapledCertificate } from '../orchestrator/stapling.ts';

export interface StaplerOptions {
  /** `timeout` is for one question, and for how long a start or reload waits for answers. */
  readonly settings: { readonly directory: string; readonly timeout: number };
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** What is stapled changed. */
  readonly onChanged: (staples: Staples) => void;
}

/** Longest wait for a new answer: a revocation is to be seen within the day. */
const LONGEST_MS = 86_400_000;
/** Longest wait after a failure. */
const LONGEST_BACK_OFF_MS = 3_600_000;
/** A file is looked at this often. */
const FILE_MS = 60_000;
/** Responders that are asked at once before a start or reload. */
const AT_ONCE = 16;
/** Changes within this time are told together. */
const GATHER_MS = 50;

/** What is known of one certificate. */
class Kept {
  readonly certificate: StapledCertificate;
  staple: ReadStaple | null = null;
  failures = 0;
  reason: string | null = null;
  nextAt = 0;
  timer: NodeJS.Timeout | null = null;
  /** An answer is being got. */
  isBusy = false;
  readonly results: Record<StapleResult, number> = { good: 0, revoked: 0, failed: 0 };

  constructor(certificate: StapledCertificate) {
    this.certificate = certificate;
  }
}

export class Stapler {
  readonly #options: StaplerOptions;
  readonly #store: StapleStore;
  #kept: ReadonlyMap<string, Kept> = new Map();
  #telling: NodeJS.Timeout | null = null;

  constructor(options: StaplerOptions) {
    this.#options = options;
    this.#store = new StapleStore(options.settings.directory);
  }

  /** What may be stapled now. */
  get staples(): Staples {
    const staples = [...this.#kept].flatMap(([fingerprint, { staple }]) =>
      staple === null ? [] : [[fingerprint, staple] as const],
    );
    return new Map(staples);
  }

  /**
   * Takes over the certificates of a deployment that is about to be in force; the answers of others are let go. Waits for
   * those that have no answer yet, though no longer than the time of one question. Never rejects.
   */
  async use(certificates: readonly StapledCertificate[]): Promise<void> {
    const before = this.#kept;
    const kept = certificates.map((certificate) => {
      const known = before.get(certificate.own.fingerprint);
      return known !== undefined && isSame(known.certificate, certificate)
        ? known
        : this.#recall(certificate);
    });
    this.#kept = new Map(kept.map((each) => [each.certificate.own.fingerprint, each]));
    for (const each of before.values()) if (!kept.includes(each)) clearTimeout(each.timer ?? undefined);
    this.#disk(() => this.#store.keep(new Set(this.#kept.keys())));
    const fresh = kept.filter(({ timer, isBusy }) => timer === null && !isBusy);
    for (const each of fresh) if (each.staple !== null) this.#schedule(each);
    const waited = this.#askAll(fresh.filter(({ staple }) => staple === null));
    const patience = new AbortController();
    const { timeout } = this.#options.settings;
    await Promise.race([waited, delay(timeout, null, { signal: patience.signal }).catch(() => {})]);
    patience.abort();
    this.#tell();
    for (const each of fresh) this.#warnOfLack(each);
  }

  health(): readonly StapleHealth[] {
    return [...this.#kept.values()].map(
      ({ certificate: { name, own }, staple, failures, reason, results }) => ({
        certificate: name,
        untilMs: staple?.untilMs ?? null,
        mustStaple: own.mustStaple,
        failures,
        reason,
        results,
      }),
    );
  }

  close(): void {
    for (const { timer } of this.#kept.values()) clearTimeout(timer ?? undefined);
    clearTimeout(this.#telling ?? undefined);
    this.#kept = new Map();
  }

  /** With the answer of an earlier process, where there is one that is still good. */
  #recall(certificate: StapledCertificate): Kept {
    const kept = new Kept(certificate);
    if ('file' in certificate.source) return kept;
    const copy = this.#store.read(certificate.own.fingerprint);
    if (copy === null) return kept;
    try {
      const staple = readStaple(copy, certificate.own, Date.now());
      if (staple.status === 'good') kept.staple = staple;
    } catch {
      // Damaged or out of date: it is asked for anew.
    }
    return kept;
  }

  async #askAll(missing: readonly Kept[]): Promise<void> {
    const queue = [...missing];
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await this.#renew(next);
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, queue.length) }, work));
  }

  /** When it is looked at next: to be renewed, or because it ends. */
  #schedule(kept: Kept, waitMs: number = this.#wait(kept)): void {
    if (this.#kept.get(kept.certificate.own.fingerprint) !== kept) return;
    const now = Date.now();
    kept.nextAt = now + waitMs;
    const wakeAt = Math.min(kept.nextAt, kept.staple?.untilMs ?? Number.POSITIVE_INFINITY);
    clearTimeout(kept.timer ?? undefined);
    kept.timer = setTimeout(() => void this.#wake(kept), Math.max(0, wakeAt - now));
    kept.timer.unref();
  }

  #wait({ certificate, staple, failures }: Kept): number {
    if ('file' in certificate.source) return FILE_MS;
    if (staple === null || failures > 0) {
      return nextDelay(LONGEST_BACK_OFF_MS, Math.max(1, failures), null, Math.random());
    }
    const { fromMs, untilMs } = staple;
    const now = Date.now();
    const middle = (fromMs + untilMs) / 2;
    // why: one that comes out of a cache may be beyond its middle.
    const usual = middle > now ? middle - now : (untilMs - now) / 2;
    return nextDelay(Math.min(usual, LONGEST_MS), 0, null, Math.random());
  }

  async #wake(kept: Kept): Promise<void> {
    const now = Date.now();
    if (kept.staple !== null && kept.staple.untilMs <= now) {
      this.#set(kept, null);
      this.#options.log.warn(this.#about(kept), 'the OCSP answer ended before there was another');
      this.#warnOfLack(kept);
    }
    if (kept.nextAt <= now) await this.#renew(kept);
    else this.#schedule(kept, kept.nextAt - now);
  }

  /** Gets an answer, and says when to get the next. */
  async #renew(kept: Kept): Promise<void> {
    const { own } = kept.certificate;
    kept.isBusy = true;
    try {
      const found = readStaple(await this.#read(kept.certificate), own, Date.now());
      if (this.#kept.get(own.fingerprint) !== kept) return;
      if (found.status === 'good') this.#accept(kept, found);
      else if (found.status === 'revoked') this.#revoke(kept);
      else throw new Error('the responder does not know the certificate');
    } catch (error) {
      if (this.#kept.get(own.fingerprint) !== kept) return;
      kept.failures++;
      kept.reason = (error as Error).message;
      kept.results.failed++;
      const { failures, reason } = kept;
      this.#options.log.warn({ ...this.#about(kept), failures, reason }, 'no OCSP answer to staple');
    } finally {
      kept.isBusy = false;
    }
    this.#schedule(kept);
  }

  #read({ source, own }: StapledCertificate): Promise<Uint8Array> {
    if ('url' in source) return askResponder(source.url, own.certId, this.#options.settings.timeout);
    return readFile(source.file);
  }

  #accept(kept: Kept, found: ReadStaple): void {
    kept.failures = 0;
    kept.reason = null;
    kept.results.good++;
    const { staple, certificate } = kept;
    if (staple !== null && Buffer.compare(staple.response, found.response) === 0) return;
    if ('url' in certificate.source) {
      this.#disk(() => this.#store.write(certificate.own.fingerprint, found.response));
    }
    this.#set(kept, found);
    this.#options.log.info(this.#about(kept), 'OCSP answer stapled');
  }

  #revoke(kept: Kept): void {
    kept.failures++;
    kept.reason = 'the certificate is revoked';
    kept.results.revoked++;
    this.#disk(() => this.#store.remove(kept.certificate.own.fingerprint));
    if (kept.staple !== null) this.#set(kept, null);
    this.#options.log.error(this.#about(kept), 'a certificate that is served is revoked');
  }

  #set(kept: Kept, staple: ReadStaple | null): void {
    kept.staple = staple;
    this.#telling ??= setTimeout(() => this.#tell(), GATHER_MS);
  }

  #tell(): void {
    clearTimeout(this.#telling ?? undefined);
    this.#telling = null;
    this.#options.onChanged(this.staples);
  }

  #warnOfLack(kept: Kept): void {
    if (kept.staple !== null || !kept.certificate.own.mustStaple) return;
    this.#options.log.warn(
      { ...this.#about(kept), reason: kept.reason },
      'the certificate demands a stapled OCSP answer, and there is none: clients that heed it refuse it',
    );
  }

  #about({ certificate, staple }: Kept): object {
    const until = staple === null ? null : new Date(staple.untilMs).toISOString();
    return { certificate: certificate.name, until };
  }

  /** What the disk does not let us keep is asked for again after a restart. */
  #disk(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.log.warn({ error: (error as Error).message }, 'OCSP answers cannot be kept on disk');
    }
  }
}

function isSame(a: StapledCertificate, b: StapledCertificate): boolean {
  return a.name === b.name && JSON.stringify(a.source) === JSON.stringify(b.source);
}

/** @throws Error when it cannot be read or is too long to be stapled. */
async function readFile(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MAX_STAPLE_BYTES) throw new Error(`the file is longer than ${MAX_STAPLE_BYTES} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
