/** What passes between the main thread and an edge worker. */
import type { MessagePort } from 'node:worker_threads';
import type { Config } from '../config/schema.ts';
import type { OcspFinding } from '../identity/ocsp-client.ts';
import type { Staples } from '../identity/staple.ts';
import type { Tally } from '../observe/tally.ts';
import type { Question } from '../orchestrator/answers.ts';
import type { Deployment } from '../orchestrator/deployment.ts';
import type { SharedTables } from '../orchestrator/shared-tables.ts';
import type { TicketMasters } from '../orchestrator/ticket-keys.ts';

/** Memory that all workers share, and that outlives each of them. */
export interface SharedState extends SharedTables {
  readonly total: SharedArrayBuffer;
  /** Handshakes under way, of all workers. */
  readonly inflight: SharedArrayBuffer;
}

/** The one long task of an edge worker. */
export interface WorkerTask {
  readonly port: MessagePort;
  /** Index of the worker, from 0. */
  readonly slot: number;
  readonly config: Config;
  readonly deployment: Deployment;
  readonly ticketMasters: TicketMasters;
  readonly staples: Staples;
  readonly shared: SharedState;
  /** Open connections of this worker; the main thread reads it when the worker is lost. */
  readonly slots: SharedArrayBuffer;
  /** 32-bit counts that the worker keeps for the metrics: held connections, those that had to make room, waits for a solution. */
  readonly gauges: SharedArrayBuffer;
  /** What this worker counts of `SharedState.inflight`. */
  readonly inflight: SharedArrayBuffer;
  /** For each listener a listening socket to accept from, or null where the worker must listen itself. */
  readonly sockets: readonly (number | null)[];
  /** For each listener the port to listen on. */
  readonly ports: readonly number[];
}

export type ToWorker =
  | { readonly type: 'deploy'; readonly deployment: Deployment }
  | { readonly type: 'tickets'; readonly masters: TicketMasters }
  /** OCSP answers about our own certificates: these and no others. */
  | { readonly type: 'staples'; readonly staples: Staples }
  /** The answer to the question `id`. */
  | { readonly type: 'ocsp'; readonly id: number; readonly found: OcspFinding }
  | { readonly type: 'drain'; readonly timeoutMs: number }
  /** Somebody wants to be told of each connection, or nobody any more. */
  | { readonly type: 'watch'; readonly watched: boolean }
  | { readonly type: 'stop' };

export type ToMain =
  | { readonly type: 'ready'; readonly ports: readonly number[]; readonly threadId: number }
  | { readonly type: 'deployed'; readonly epoch: number; readonly error: string | null }
  /** Something threw outside a connection's own handler; the worker drains itself. */
  | { readonly type: 'failed'; readonly error: string }
  /** What the worker wants to be found out. */
  | { readonly type: 'asked'; readonly questions: readonly Question[] }
  | { readonly type: 'notice'; readonly listener: string; readonly message: string }
  | OcspAsked
  | Ended;

/** What the worker wants to know by OCSP of a client's certificate. */
export interface OcspAsked {
  readonly type: 'ocsp';
  readonly id: number;
  readonly url: string;
  readonly certId: Uint8Array;
  /** DER of the issuer's certificate. */
  readonly issuer: Uint8Array;
}

/** Connections that ended: their audit lines, if any are wanted, and what is counted of them. */
export interface Ended {
  readonly type: 'ended';
  readonly lines: readonly string[];
  readonly tally: Tally;
  /** While somebody watches: JSON of each, and how many more there were. */
  readonly events: readonly string[];
  readonly lostEvents: number;
}
