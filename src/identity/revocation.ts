/** Has a client's certificate been revoked? Asked of lists in files, or of an OCSP responder. */
import type { ClientCertificate as Demand } from '../pdl/ir.ts';
import type { ChainLink } from './client-certificate.ts';
import { type Crl, CrlSet } from './crl.ts';
import type { OcspClient } from './ocsp-client.ts';
import { crlPath } from './trust.ts';

export interface RevocationStatus {
  readonly status: 'good' | 'revoked' | 'unknown';
  /** Why it is unknown, for the audit. */
  readonly reason: string | null;
}

const GOOD: RevocationStatus = { status: 'good', reason: null };
const UNKNOWN: Readonly<Record<string, string>> = {
  no_list: 'no revocation list of its issuer',
  stale: 'the revocation list is out of date',
  forged: 'the revocation list is not signed by its issuer',
};

export class Revocation {
  readonly #crls: ReadonlyMap<string, CrlSet>;
  readonly #ocsp: OcspClient;

  /** @param crls By absolute path. */
  constructor(crls: Readonly<Record<string, readonly Crl[]>>, ocsp: OcspClient) {
    this.#crls = new Map(Object.entries(crls).map(([path, lists]) => [path, new CrlSet(lists)]));
    this.#ocsp = ocsp;
  }

  /**
   * The status of the leaf of a verified chain. Certificates between it and the root count where a list says that they
   * are revoked; that nothing is known of them is no reason to doubt the leaf. Never throws or rejects.
   */
  check(
    demand: NonNullable<Demand['revocation']>,
    chain: readonly ChainLink[],
    nowMs: number,
  ): RevocationStatus | Promise<RevocationStatus> {
    const [leaf, issuer] = chain;
    if (leaf === undefined) return GOOD;
    // A leaf that is trusted by itself has no issuer to ask about.
    if (issuer === undefined) return { status: 'unknown', reason: 'its issuer is not in the chain' };
    if (demand.source === 'ocsp') return this.#ocsp.ask(demand.from, leaf.parts, issuer, nowMs);
    const lists = demand.source === 'crl' ? this.#crls.get(crlPath(demand)) : undefined;
    return lists === undefined ? GOOD : inLists(lists, chain, nowMs);
  }
}

function inLists(lists: CrlSet, chain: readonly ChainLink[], nowMs: number): RevocationStatus {
  const answers = chain
    .slice(0, -1)
    .map(({ parts }, index) => lists.ask(parts, chain[index + 1]!.parts, nowMs));
  if (answers.includes('revoked')) return { status: 'revoked', reason: null };
  const [leaf] = answers;
  return leaf === 'good' ? GOOD : { status: 'unknown', reason: UNKNOWN[leaf!] ?? null };
}
