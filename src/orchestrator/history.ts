/**
 * What the process remembers of clients: event rates, token buckets, clearances and what became of their
 * connections, in tables that all workers share. A part of a key that a connection lacks leaves the entry
 * alone: unknown never counts.
 */
import type { Core } from '../core/core.ts';
import type { BotSignature } from '../intel/bot-signature.ts';
import { KeyHasher } from '../limit/key.ts';
import type { Challenge, CountedEvent, Counter, Limit, Program } from '../pdl/ir.ts';
import type { Bot } from '../profile/bots.ts';
import { type Ask, DnsAnswers } from './answers.ts';
import type { Client } from './client.ts';
import { ClientHistory } from './client-history.ts';
import { ADDRESS_BITS, hashKey, keyText, learnKeyFacts, NAMESPACE, otherKeyFacts } from './client-key.ts';
import { FACT } from './facts.ts';
import { countHandshake, handshakeRate } from './handshake-rate.ts';
import { type LimitMoment, momentOf } from './limit-moment.ts';
import type { Tables } from './shared-tables.ts';

/** A draw is below it. */
const MILLION = 1_000_000;

/** What is remembered of the client itself when something happens; not every event is. */
const REMEMBERED = {
  handshake: 'handshakes',
  failure: 'failures',
  challenge_fail: 'unsolved',
  request: 'requests',
} as const;

const BYTES_PER_KIB = 1_024;

export class History {
  readonly #tables: Tables;
  readonly clients: ClientHistory;
  /** Without a secret: a client keeps its side of a canary after a restart, and on every host of a fleet. */
  readonly #draws = new KeyHasher(new Uint8Array(16));
  readonly #dns: DnsAnswers;
  #program: Program | null = null;
  #wantsHandshakes = false;
  #wantsBots = false;
  /** Facts that keys are made of besides those a client always has. */
  #keyFacts: readonly number[] = [];
  /** By limit. */
  #moments: readonly LimitMoment[] = [];
  #lateLimits: readonly Limit[] = [];
  readonly #names = new Map<Counter | Limit, string>();

  /** @param ask Finds out what is not known yet; without it that stays so. */
  constructor(tables: Tables, ask: Ask = () => {}) {
    this.#tables = tables;
    this.#dns = new DnsAnswers(tables.answers, tables.hasher, ask);
    this.clients = new ClientHistory(tables.clients, tables.hasher);
  }

  /**
   * Counters, limits and challenges keep their history over a reload as long as they keep their names, and
   * counters their window and limits their rate, which what is kept of them is measured in.
   */
  configure(program: Program): void {
    this.#program = program;
    this.#dns.configure(program);
    this.#names.clear();
    for (const counter of program.counters) this.#names.set(counter, `${counter.name} ${counter.windowMs}`);
    for (const limit of program.limits) {
      const { name, event, tokens, perMs, burst } = limit;
      this.#names.set(limit, `${name} ${event} ${tokens} ${perMs} ${burst}`);
    }
    this.#wantsBots = program.requiredFacts.includes(FACT.verifiedBot);
    const ofModes = program.modes.flatMap(({ atoms }) => atoms.map(({ operand }) => operand));
    this.#wantsHandshakes =
      program.requiredFacts.includes(FACT.handshakes) ||
      ofModes.some((operand) => 'fact' in operand && operand.fact === FACT.handshakes);
    this.#keyFacts = otherKeyFacts(program);
    this.#moments = program.limits.map(momentOf);
    this.#lateLimits = program.limits.filter((limit) => momentOf(limit) === 'late');
    this.clients.configure(program);
  }

  /** Sets `sys.handshakes` where the program asks for it. */
  setSystem(core: Core, nowMs: number): void {
    if (this.#wantsHandshakes) core.setNumber(FACT.handshakes, handshakeRate(this.#tables, nowMs));
  }

  /** Takes over what keys are made of of a connection whose facts the core holds, and draws for its canaries. */
  learn(core: Core, client: Client): void {
    learnKeyFacts(core, client, this.#keyFacts);
    this.#program!.canaries.forEach((canary, index) => {
      const isKnown = hashKey(this.#draws, NAMESPACE.canary, canary.name, canary.key, client);
      if (isKnown) core.setDraw(index, this.#draws.lo % MILLION);
    });
  }

  /**
   * Counts an event of a connection in every counter that asks for it, and what the client is remembered by.
   * Limits on events that nothing can be done about are drawn on here too.
   */
  count(event: CountedEvent, client: Client, nowMs: number): void {
    const { rates, hasher } = this.#tables;
    if (event === 'handshake' && this.#wantsHandshakes) countHandshake(this.#tables, nowMs);
    for (const counter of this.#program!.counters) {
      if (counter.event !== event) continue;
      if (this.#hashCounter(counter, client)) rates.hit(hasher, counter.windowMs, nowMs);
    }
    for (const limit of this.#lateLimits) if (limit.event === event) this.#take(limit, client, nowMs);
    if (event in REMEMBERED) {
      this.clients.add(client, REMEMBERED[event as keyof typeof REMEMBERED], nowMs);
    }
  }

  #hashCounter(counter: Counter, client: Client): boolean {
    const { hasher } = this.#tables;
    return hashKey(hasher, NAMESPACE.counter, this.#names.get(counter)!, counter.key, client);
  }

  #hashLimit(limit: Limit, client: Client): boolean {
    const { hasher } = this.#tables;
    return hashKey(hasher, NAMESPACE.limit, this.#names.get(limit)!, limit.key, client);
  }

  /** Remembers that the client was served without trouble. */
  noteGood({ ip }: Client, nowMs: number): void {
    const { good, hasher } = this.#tables;
    hasher.begin(NAMESPACE.good);
    hasher.ip(ip, ADDRESS_BITS);
    hasher.end();
    good.note(ip, hasher, nowMs);
  }

  /** Tells the core which DNS lists have the client, as far as that is known. */
  recallLists(core: Core, ip: Uint8Array, isV4: boolean, nowMs: number): void {
    this.#dns.apply(core, ip, isV4, nowMs);
  }

  /** Does DNS confirm that a client is the crawler that it says it is? Null while that is not known. */
  isConfirmedBot(bot: Bot, { ip, isV4 }: Client, nowMs: number): boolean | null {
    return this.#dns.isBot(bot, ip, isV4, nowMs);
  }

  /** Does the policy ask for verified crawlers? */
  get wantsBots(): boolean {
    return this.#wantsBots;
  }

  /** Notes the nonce of a signature; false when it came before, or cannot be noted. */
  spendNonce({ keyId, nonce, expiresMs }: BotSignature, nowMs: number): boolean {
    if (nonce === null) return true;
    const { hasher, clearances } = this.#tables;
    hasher.begin(NAMESPACE.nonce);
    hasher.text(keyId);
    hasher.text(nonce);
    hasher.end();
    return clearances.claim(hasher, expiresMs, nowMs);
  }

  /** Notes that a connection was turned away. */
  refused(client: Client, nowMs: number): void {
    this.clients.add(client, 'refusals', nowMs);
  }

  /** Notes what a connection moved inside TLS. */
  transferred(bytes: number, client: Client, nowMs: number): void {
    if (bytes > 0) this.clients.add(client, 'kibibytes', nowMs, Math.ceil(bytes / BYTES_PER_KIB));
  }

  /**
   * Sets the rates of all counters whose key is known by now, just before a decision. What is decided about
   * may be counted along with it.
   */
  #setRates(core: Core, client: Client, nowMs: number, event: CountedEvent | null): void {
    const { hasher, rates } = this.#tables;
    this.#program!.counters.forEach((counter, index) => {
      if (!this.#hashCounter(counter, client)) return;
      if (counter.event === event) rates.hit(hasher, counter.windowMs, nowMs);
      core.setRate(index, rates.rate(hasher, counter.windowMs, nowMs));
    });
  }

  #setCleared(core: Core, client: Client, nowMs: number): void {
    const { challenges } = this.#program!;
    const cleared = challenges.some((challenge) => this.isCleared(challenge, client, nowMs));
    core.setNumber(FACT.cleared, cleared ? 1 : 0);
  }

  /** Counts the client's hello and sets the facts that history knows of it, just before it is decided about. */
  apply(core: Core, client: Client, nowMs: number): void {
    this.#setRates(core, client, nowMs, 'hello');
    this.#setCleared(core, client, nowMs);
    this.clients.setFacts(core, client, nowMs);
  }

  /** Sets what may have changed since the hello, just before a later decision. */
  recall(core: Core, client: Client, nowMs: number): void {
    this.#setRates(core, client, nowMs, null);
    this.#setCleared(core, client, nowMs);
  }

  #take(limit: Limit, client: Client, nowMs: number): boolean {
    const { hasher, buckets } = this.#tables;
    if (!this.#hashLimit(limit, client)) return true;
    return buckets.take(hasher, limit.tokens, limit.perMs, limit.burst, nowMs);
  }

  #has(limit: Limit, client: Client, nowMs: number): boolean {
    const { hasher, buckets } = this.#tables;
    if (!this.#hashLimit(limit, client)) return true;
    return buckets.has(hasher, limit.tokens, limit.perMs, limit.burst, nowMs);
  }

  /**
   * Is a client within a limit at this moment? Draws one token when the limit is drawn then. One that is drawn
   * late holds at the ClientHello, for as long as its bucket is empty.
   */
  isWithin(index: number, moment: LimitMoment, client: Client, nowMs: number): boolean {
    const own = this.#moments[index]!;
    const limit = this.#program!.limits[index]!;
    if (own === moment) return this.#take(limit, client, nowMs);
    return own !== 'late' || moment !== 'hello' || this.#has(limit, client, nowMs);
  }

  #hashChallenge(challenge: Challenge, client: Client): boolean {
    const { hasher } = this.#tables;
    return hashKey(hasher, NAMESPACE.challenge, challenge.name, challenge.clearsPer, client);
  }

  /** Remembers that the client has met a challenge. */
  clear(challenge: Challenge, client: Client, nowMs: number): void {
    if (!this.#hashChallenge(challenge, client)) return;
    const { hasher, clearances } = this.#tables;
    clearances.clear(hasher, nowMs + challenge.clearsForMs, nowMs);
  }

  /** Notes that a client has solved a challenge just now. */
  solved(client: Client, nowMs: number): void {
    this.clients.add(client, 'solved', nowMs);
  }

  isCleared(challenge: Challenge, client: Client, nowMs: number): boolean {
    const { hasher, clearances } = this.#tables;
    return this.#hashChallenge(challenge, client) && clearances.isCleared(hasher, nowMs);
  }

  /** What a challenge's answer is bound to: the same for every connection of the client it clears. */
  binding(challenge: Challenge, client: Client): string {
    return keyText(challenge.clearsPer, client);
  }
}
