/**
 * What is remembered of clients, by address, network, autonomous system and fingerprint, and the facts that
 * a policy may ask of it. The client itself is its address: one of IPv4, or a /64 of IPv6.
 */
import type { Core } from '../core/core.ts';
import type { HistoryCount, HistoryEntry, HistoryTable } from '../limit/history-table.ts';
import type { Key, KeyHasher } from '../limit/key.ts';
import type { Program } from '../pdl/ir.ts';
import type { Client } from './client.ts';
import { NAMESPACE } from './client-key.ts';
import { FACT } from './facts.ts';

/** What clients are counted by. */
export const SCOPES = ['address', 'prefix', 'asn', 'ja4', 'ja4_prefix'] as const;
export type Scope = (typeof SCOPES)[number];

/** Bits of all 128 that make an address the same client, and the same network: /32 and /24, /64 and /48. */
const BITS = { v4: { address: 128, prefix: 120 }, v6: { address: 64, prefix: 48 } } as const;

const ASKED = [
  FACT.clientHandshakes,
  FACT.clientFailures,
  FACT.clientHistory,
  FACT.clientSolved,
  FACT.clientFirstSeen,
  FACT.clientClearAge,
];

const MICROSECONDS = 1_000;

export class ClientHistory {
  readonly #table: HistoryTable;
  readonly #hasher: KeyHasher;
  /** Keys of a prefix and a JA4, to make the key of both. */
  readonly #prefix = { hi: 0, lo: 0 };
  readonly #ja4 = { hi: 0, lo: 0 };
  #isAsked = false;

  constructor(table: HistoryTable, hasher: KeyHasher) {
    this.#table = table;
    this.#hasher = hasher;
  }

  configure(program: Program): void {
    this.#isAsked = ASKED.some((fact) => program.requiredFacts.includes(fact));
  }

  /**
   * Loads the hasher with the client's key in a scope; false when the client is not known by it. The scopes
   * are asked for in their order, since the last is made of two before it.
   */
  #hash(scope: Scope, client: Client): boolean {
    const hasher = this.#hasher;
    hasher.begin(NAMESPACE.client);
    hasher.number(SCOPES.indexOf(scope));
    switch (scope) {
      case 'address':
      case 'prefix':
        hasher.ip(client.ip, BITS[client.isV4 ? 'v4' : 'v6'][scope]);
        break;
      case 'asn':
        if (client.origin.asn === null) return false;
        hasher.number(client.origin.asn);
        break;
      case 'ja4':
        if (client.ja4 === null) return false;
        hasher.text(client.ja4);
        break;
      case 'ja4_prefix':
        if (client.ja4 === null) return false;
        hasher.key(this.#ja4);
        hasher.key(this.#prefix);
    }
    hasher.end();
    if (scope === 'prefix') keep(this.#prefix, hasher);
    if (scope === 'ja4') keep(this.#ja4, hasher);
    return true;
  }

  /** Counts something of a client in each of its scopes. */
  add(client: Client, count: HistoryCount, nowMs: number, amount = 1): void {
    for (const scope of SCOPES) {
      if (this.#hash(scope, client)) this.#table.add(this.#hasher, count, nowMs, amount);
    }
  }

  /** Sets the `client.*` facts of what happened before, when the policy asks for one. */
  setFacts(core: Core, client: Client, nowMs: number): void {
    if (!this.#isAsked) return;
    this.#hash('address', client);
    const entry = this.#table.read(this.#hasher, nowMs);
    core.setNumber(FACT.clientHandshakes, entry?.handshakes ?? 0);
    core.setNumber(FACT.clientFailures, entry?.failures ?? 0);
    core.setNumber(FACT.clientSolved, entry?.solved ?? 0);
    core.setNumber(
      FACT.clientHistory,
      entry === null ? 0 : entry.handshakes + entry.failures + entry.refusals,
    );
    if (entry === null) return;
    core.setNumber(FACT.clientFirstSeen, entry.firstSeenMs);
    if (entry.solvedAtMs === null) return;
    core.setNumber(FACT.clientClearAge, Math.max(0, nowMs - entry.solvedAtMs) * MICROSECONDS);
  }

  /** Everything that is remembered of a client, by scope; null: nothing. For people, not for decisions. */
  describe(client: Client, nowMs: number): Readonly<Partial<Record<Scope, HistoryEntry | null>>> {
    const found: Partial<Record<Scope, HistoryEntry | null>> = {};
    for (const scope of SCOPES) {
      if (this.#hash(scope, client)) found[scope] = this.#table.read(this.#hasher, nowMs);
    }
    return found;
  }
}

function keep(into: { hi: number; lo: number }, key: Key): void {
  into.hi = key.hi;
  into.lo = key.lo;
}
