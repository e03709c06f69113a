/**
 * What the process remembers of clients: event rates, token buckets and clearances, in tables that all
 * workers share. A part of a key that a connection lacks leaves the entry alone: unknown never counts.
 */
import type { Core } from '../core/core.ts';
import { createGoodSample, GoodSample } from '../intel/good-sample.ts';
import { BucketTable } from '../limit/bucket-table.ts';
import { ClearanceTable } from '../limit/clearance-table.ts';
import { KeyHasher } from '../limit/key.ts';
import { RateTable } from '../limit/rate-table.ts';
import { createTable } from '../limit/shared-table.ts';
import type { Challenge, Counter, KeyPart, Program } from '../pdl/ir.ts';
import type { Client } from './client.ts';
import { FACT } from './facts.ts';

export interface Tables {
  readonly rates: RateTable;
  readonly buckets: BucketTable;
  readonly clearances: ClearanceTable;
  readonly good: GoodSample;
  readonly hasher: KeyHasher;
}

const ADDRESS_BITS = 128;
const V4_PREFIX_BITS = 96;

/** Keeps the three kinds of entries apart in one hash. */
const NAMESPACE = { counter: 1, limit: 2, challenge: 3, process: 4, canary: 5, good: 6 } as const;

/** A draw is below it. */
const MILLION = 1_000_000;

/** Window of `sys.handshakes`. */
const SYSTEM_WINDOW_MS = 10_000;

/** The text a key part reads from a client; null when the client lacks it. */
function keyText(fact: number, client: Client): string | null {
  switch (fact) {
    case FACT.listener:
      return client.listener;
    case FACT.country:
      return client.origin.country;
    case FACT.asn:
      return client.origin.asn === null ? null : String(client.origin.asn);
    case FACT.sni:
      return client.sni;
    case FACT.ja3:
      return client.ja3;
    case FACT.ja4:
      return client.ja4;
    default:
      return null;
  }
}

/** Tables for decisions about one client at a time, each forgotten by the next. */
export function memoryOfOne(): Tables {
  return {
    rates: new RateTable(createTable(1)),
    buckets: new BucketTable(createTable(1)),
    clearances: new ClearanceTable(createTable(1)),
    good: new GoodSample(createGoodSample()),
    hasher: new KeyHasher(new Uint8Array(16)),
  };
}

export class History {
  readonly #tables: Tables;
  /** Without a secret: a client keeps its side of a canary after a restart, and on every host of a fleet. */
  readonly #draws = new KeyHasher(new Uint8Array(16));
  #program: Program | null = null;
  #wantsHandshakes = false;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** Counters, limits and challenges keep their history over a reload as long as they keep their names. */
  configure(program: Program): void {
    this.#program = program;
    this.#wantsHandshakes = program.requiredFacts.includes(FACT.handshakes);
  }

  #hashProcess(): void {
    const { hasher } = this.#tables;
    hasher.begin(NAMESPACE.process);
    hasher.end();
  }

  /** Sets `sys.handshakes`: completed handshakes of all workers, in events per second × 1e6. */
  setSystem(core: Core, nowMs: number): void {
    if (!this.#wantsHandshakes) return;
    this.#hashProcess();
    core.setNumber(FACT.handshakes, this.#tables.rates.rate(this.#tables.hasher, SYSTEM_WINDOW_MS, nowMs));
  }

  /** Loads the hasher with the key; false when the client lacks a part. */
  #hash(
    namespace: 'counter' | 'limit' | 'challenge' | 'canary',
    name: string,
    parts: readonly KeyPart[],
    client: Client,
    hasher: KeyHasher = this.#tables.hasher,
  ): boolean {
    hasher.begin(NAMESPACE[namespace]);
    hasher.text(name);
    for (const part of parts) {
      if (part.fact === FACT.ip) {
        hasher.ip(client.ip, client.isV4 ? V4_PREFIX_BITS + part.v4 : Math.min(part.v6, ADDRESS_BITS));
        continue;
      }
      const text = keyText(part.fact, client);
      if (text === null) return false;
      hasher.text(text);
    }
    hasher.end();
    return true;
  }

  #hit(counter: Counter, client: Client, nowMs: number): void {
    if (!this.#hash('counter', counter.name, counter.key, client)) return;
    const { hasher, rates } = this.#tables;
    rates.hit(hasher, counter.windowMs, nowMs);
  }

  /** Counts an event of a connection in every counter that asks for it. */
  count(event: Counter['event'], client: Client, nowMs: number): void {
    if (event === 'handshake' && this.#wantsHandshakes) {
      this.#hashProcess();
      this.#tables.rates.hit(this.#tables.hasher, SYSTEM_WINDOW_MS, nowMs);
    }
    for (const counter of this.#program!.counters)
      if (counter.event === event) this.#hit(counter, client, nowMs);
  }

  /** Counts the client's hello and recalls the client, just before the decision at the ClientHello. */
  apply(core: Core, client: Client, nowMs: number): void {
    this.count('hello', client, nowMs);
    this.recall(core, client, nowMs);
  }

  /** Sets the facts that history knows of the client. */
  recall(core: Core, client: Client, nowMs: number): void {
    const program = this.#program!;
    const { hasher, rates } = this.#tables;
    program.counters.forEach((counter, index) => {
      if (!this.#hash('counter', counter.name, counter.key, client)) return;
      core.setRate(index, rates.rate(hasher, counter.windowMs, nowMs));
    });
    const cleared = program.challenges.some((challenge) => this.isCleared(challenge, client, nowMs));
    core.setNumber(FACT.cleared, cleared ? 1 : 0);
  }

  /** Remembers that the client was served without trouble. */
  noteGood({ ip }: Client, nowMs: number): void {
    const { good, hasher } = this.#tables;
    hasher.begin(NAMESPACE.good);
    hasher.ip(ip, ADDRESS_BITS);
    hasher.end();
    good.note(ip, hasher, nowMs);
  }

  /** Draws the connection's number of each canary whose key is known by now. */
  draw(core: Core, client: Client): void {
    this.#program!.canaries.forEach((canary, index) => {
      const isKnown = this.#hash('canary', canary.name, canary.key, client, this.#draws);
      if (isKnown) core.setDraw(index, this.#draws.lo % MILLION);
    });
  }

  /** Draws one token for the client from a limit; true when there was one. */
  take(index: number, client: Client, nowMs: number): boolean {
    const limit = this.#program!.limits[index]!;
    if (!this.#hash('limit', limit.name, limit.key, client)) return true;
    const { hasher, buckets } = this.#tables;
    return buckets.take(hasher, limit.tokens, limit.perMs, limit.burst, nowMs);
  }

  /** Remembers that the client has met a challenge. */
  clear(challenge: Challenge, client: Client, nowMs: number): void {
    if (!this.#hash('challenge', challenge.name, challenge.clearsPer, client)) return;
    const { hasher, clearances } = this.#tables;
    clearances.clear(hasher, nowMs + challenge.clearsForMs, nowMs);
  }

  isCleared(challenge: Challenge, client: Client, nowMs: number): boolean {
    if (!this.#hash('challenge', challenge.name, challenge.clearsPer, client)) return false;
    const { hasher, clearances } = this.#tables;
    return clearances.isCleared(hasher, nowMs);
  }

  /** What a challenge's answer is bound to: the same for every connection of the client it clears. */
  binding(challenge: Challenge, client: Client): string {
    const parts = challenge.clearsPer.map((part) => {
      if (part.fact !== FACT.ip) return keyText(part.fact, client) ?? '';
      const bits = client.isV4 ? V4_PREFIX_BITS + part.v4 : part.v6;
      return maskedHex(client.ip, bits);
    });
    return parts.join('\0');
  }
}

/** The first `bits` of an address in hexadecimal, the rest zero. */
function maskedHex(ip: Uint8Array, bits: number): string {
  const masked = Buffer.from(ip);
  for (let byte = 0; byte < masked.length; byte++) {
    const kept = Math.min(Math.max(bits - byte * 8, 0), 8);
    masked[byte]! &= 0xff << (8 - kept);
  }
  return masked.toString('hex');
}
