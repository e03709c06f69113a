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
const ADDRESS = SCOPES.indexOf('address');

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
  #isAsked = false;

  constructor(table: HistoryTable, hasher: KeyHasher) {
    this.#table = table;
    this.#hasher = hasher;
  }

  configure(program: Program): void {
    this.#isAsked = ASKED.some((fact) => program.requiredFacts.includes(fact));
  }

  /** What a client is known by, in the order of `SCOPES`. */
  #keysOf(client: Client): readonly (Key | null)[] {
    client.historyKeys ??= this.#makeKeys(client);
    return client.historyKeys;
  }

  #makeKeys({ ip, isV4, origin, ja4 }: Client): readonly (Key | null)[] {
    const bits = BITS[isV4 ? 'v4' : 'v6'];
    const { asn } = origin;
    const prefix = this.#key('prefix', (hasher) => hasher.ip(ip, bits.prefix));
    const ofJa4 = ja4 === null ? null : this.#key('ja4', (hasher) => hasher.text(ja4));
    return [
      this.#key('address', (hasher) => hasher.ip(ip, bits.address)),
      prefix,
      asn === null ? null : this.#key('asn', (hasher) => hasher.number(asn)),
      ofJa4,
      ofJa4 === null
        ? null
        : this.#key('ja4_prefix', (hasher) => {
            hasher.key(ofJa4);
            hasher.key(prefix);
          }),
    ];
  }

  #key(scope: Scope, hash: (hasher: KeyHasher) => void): Key {
    const hasher = this.#hasher;
    hasher.begin(NAMESPACE.client);
    hasher.number(SCOPES.indexOf(scope));
    hash(hasher);
    hasher.end();
    return { hi: hasher.hi, lo: hasher.lo };
  }

  /** Counts something of a client in each of its scopes. */
  add(client: Client, count: HistoryCount, nowMs: number, amount = 1): void {
    for (const key of this.#keysOf(client)) {
      if (key !== null) this.#table.add(key, count, nowMs, amount);
    }
  }

  /** Sets the `client.*` facts of what happened before, when the policy asks for one. */
  setFacts(core: Core, client: Client, nowMs: number): void {
    if (!this.#isAsked) return;
    const entry = this.#table.read(this.#keysOf(client)[ADDRESS]!, nowMs);
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
    this.#keysOf(client).forEach((key, index) => {
      if (key !== null) found[SCOPES[index]!] = this.#table.read(key, nowMs);
    });
    return found;
  }
}
