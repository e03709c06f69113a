/** What one (re)load puts in force: a policy and the certificates, under one number. */
import type { BotKnowledge } from '../intel/known-bots.ts';
import type { OriginDatabases } from '../profile/address/origins.ts';
import type { Bundle } from './bundle.ts';
import type { Certificates } from './certificates.ts';

export interface Deployment {
  /** Grows by one with every load; connections keep the one they started under. */
  readonly epoch: number;
  readonly bundle: Bundle;
  readonly certificates: Certificates;
  /** In memory that all threads share. */
  readonly origins: OriginDatabases;
  /** By mode of the policy, the index of its state; kept up to date by the main thread. */
  readonly modes: SharedArrayBuffer;
  /** What crawlers are known by. */
  readonly bots: BotKnowledge;
}
