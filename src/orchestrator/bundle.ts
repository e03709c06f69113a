/** What a reload carries from the batch worker to every edge worker: one verified policy, ready to load. */
import { NO_TRUST, type TrustLists } from '../identity/trust.ts';
import type { Program } from '../pdl/ir.ts';
import { type ClientTable, NO_CLIENTS } from '../profile/clients.ts';
import { NO_STACKS, type Stacks } from '../profile/stacks.ts';

export interface Bundle {
  readonly program: Program;
  /** The image the decision core evaluates. */
  readonly image: Uint8Array;
  /** Hex SHA-256 of the program's canonical form and the engine's ABI. */
  readonly imageId: string;
  /** Feeds and sets, in the decision core's form and in memory that all threads share. */
  readonly tables: Uint8Array;
  /** Values of `program.secrets`, by index. Never logged and never written. */
  readonly secrets: readonly Uint8Array[];
  readonly trust: TrustLists;
  /** The TCP/IP stacks that SYNs are told by. */
  readonly stacks: Stacks;
  /** The TLS clients that hellos are told by. */
  readonly clients: ClientTable;
}

/** A bundle for decisions about described clients, of whom nothing is looked up in the tables of a host. */
export function bareBundle(parts: Pick<Bundle, 'program' | 'image' | 'imageId' | 'tables'>): Bundle {
  return { ...parts, secrets: [], trust: NO_TRUST, stacks: NO_STACKS, clients: NO_CLIENTS };
}
