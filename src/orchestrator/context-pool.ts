/**
 * The OpenSSL contexts of one policy image: one for each policy and choice of certificates, made once and kept. A
 * connection that started under a policy keeps its context until it ends.
 */
import type { SecureContext, SecureContextOptions } from 'node:tls';
import type { Staple, Staples } from '../identity/staple.ts';
import type { Trust } from '../identity/trust.ts';
import type { ExtensionRules, Policy } from '../pdl/ir.ts';
import type { Certificate } from './certificate-choice.ts';
import { type TicketMasters, ticketKeys } from './ticket-keys.ts';
import { contextOptions } from './tls-profile.ts';

export interface ContextRequest {
  readonly options: SecureContextOptions;
  /** Tickets sent after a full TLS 1.3 handshake; 0: none, in no version. */
  readonly tickets: number;
  /** See `ticketKeys`. */
  readonly ticketKeys: Buffer;
  /** Extensions of the server that TLS itself has no meaning for. */
  readonly extensions: ExtensionRules['send'];
  /** A puzzle can be posed in its handshakes. */
  readonly puzzles: boolean;
  /** OCSP answers about the certificates; null: the policy staples none. */
  readonly staples: readonly Staple[] | null;
  /** Most certificates in the chain of a client's; null: as many as there may ever be. */
  readonly depth: number | null;
}

export interface ServerContext {
  readonly secureContext: SecureContext;
  setTicketKeys(keys: Buffer): void;
  /** Only of a context that was made with staples; what takes their place. */
  setStaples(staples: readonly Staple[]): void;
}

export interface ContextPoolOptions {
  /** @throws when OpenSSL takes none of the profile's names, which the policy check rules out beforehand. */
  readonly make: (request: ContextRequest) => ServerContext;
  readonly masters: TicketMasters;
  /** The lowest version that any policy may offer, as on the wire. */
  readonly floor: number;
  /** Tickets sent after a full TLS 1.3 handshake under a policy that has them on. */
  readonly tickets: number;
  /** Whom client certificates must come from, by index in `Program.cas`. */
  readonly trust: readonly Trust[];
  /** OCSP answers about any certificates. */
  readonly staples: Staples;
}

interface Pooled {
  readonly policy: Policy;
  readonly certificates: readonly Certificate[];
  readonly context: ServerContext;
}

export class ContextPool {
  readonly #contexts = new Map<string, Pooled>();
  readonly #options: ContextPoolOptions;
  #masters: TicketMasters;
  #staples: Staples;

  constructor(options: ContextPoolOptions) {
    this.#options = options;
    this.#masters = options.masters;
    this.#staples = options.staples;
  }

  /**
   * @param puzzles For handshakes that a puzzle is posed in; all others never see what that takes.
   * @throws see `ContextPoolOptions.make`.
   */
  for(policy: Policy, certificates: readonly Certificate[], puzzles = false): SecureContext {
    let id = puzzles ? `${policy.name}\0\0` : policy.name;
    for (const { name } of certificates) id += `\0${name}`;
    const known = this.#contexts.get(id);
    if (known) return known.context.secureContext;
    const { make, floor, tickets } = this.#options;
    const trusted = this.#trustedBy(policy);
    const context = make({
      options: contextOptions(policy, certificates, floor, trusted),
      tickets: policy.tls.tickets ? tickets : 0,
      ticketKeys: ticketKeys(this.#masters, policy, trusted),
      extensions: policy.extensions?.send ?? [],
      puzzles,
      staples: policy.tls.ocspStapling ? this.#staplesOf(certificates) : null,
      depth: policy.clientCert?.depth ?? null,
    });
    this.#contexts.set(id, { policy, certificates, context });
    return context.secureContext;
  }

  /** From here on tickets are made with keys of the first master; those of the others still resume. */
  rotate(masters: TicketMasters): void {
    this.#masters = masters;
    for (const { policy, context } of this.#contexts.values()) {
      context.setTicketKeys(ticketKeys(masters, policy, this.#trustedBy(policy)));
    }
  }

  /** From here on these answers are stapled, and no others. */
  staple(staples: Staples): void {
    this.#staples = staples;
    for (const { policy, certificates, context } of this.#contexts.values()) {
      if (policy.tls.ocspStapling) context.setStaples(this.#staplesOf(certificates));
    }
  }

  #staplesOf(certificates: readonly Certificate[]): readonly Staple[] {
    return certificates.flatMap(({ fingerprint }) => this.#staples.get(fingerprint) ?? []);
  }

  #trustedBy({ clientCert }: Policy): readonly Trust[] {
    return (clientCert?.trust ?? []).map((index) => this.#options.trust[index]!);
  }
}
