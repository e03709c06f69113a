/**
 * The OpenSSL contexts of one policy image: one for each policy and choice of certificates, made once and kept. A
 * connection that started under a policy keeps its context until it ends.
 */
import type { SecureContext, SecureContextOptions } from 'node:tls';
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
}

export interface ServerContext {
  readonly secureContext: SecureContext;
  setTicketKeys(keys: Buffer): void;
}

export interface ContextPoolOptions {
  /** @throws when OpenSSL takes none of the profile's names, which the policy check rules out beforehand. */
  readonly make: (request: ContextRequest) => ServerContext;
  readonly masters: TicketMasters;
  /** The lowest version that any policy may offer, as on the wire. */
  readonly floor: number;
  /** Tickets sent after a full TLS 1.3 handshake under a policy that has them on. */
  readonly tickets: number;
}

export class ContextPool {
  readonly #contexts = new Map<string, { readonly policy: Policy; readonly context: ServerContext }>();
  readonly #options: ContextPoolOptions;
  #masters: TicketMasters;

  constructor(options: ContextPoolOptions) {
    this.#options = options;
    this.#masters = options.masters;
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
    const context = make({
      options: contextOptions(policy, certificates, floor),
      tickets: policy.tls.tickets ? tickets : 0,
      ticketKeys: ticketKeys(this.#masters, policy),
      extensions: policy.extensions?.send ?? [],
      puzzles,
    });
    this.#contexts.set(id, { policy, context });
    return context.secureContext;
  }

  /** From here on tickets are made with keys of the first master; those of the others still resume. */
  rotate(masters: TicketMasters): void {
    this.#masters = masters;
    for (const { policy, context } of this.#contexts.values()) {
      context.setTicketKeys(ticketKeys(masters, policy));
    }
  }
}
