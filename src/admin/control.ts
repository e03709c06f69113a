/** What the admin API may ask of the edge. */
import type { Bundle } from '../orchestrator/bundle.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import type { FeedControl } from './feed-control.ts';
import type { ModeControl } from './mode-control.ts';
import type { WatchHub } from './watch-hub.ts';

export type ReloadResult =
  | { readonly ok: true; readonly imageId: string; readonly epoch: number }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

export interface AdminControl {
  /** Reads the policy again; on a refusal the one in force stays. */
  reload(): Promise<ReloadResult>;
  /** A JSON-serialisable report. */
  status(): object;
  /** The bundle in force; null before the first. */
  bundle(): Bundle | null;
  readonly feeds: FeedControl;
  readonly modes: ModeControl;
  /** Who watches the traffic. */
  readonly watch: WatchHub;
  /** What is remembered of an address, of its network, and of a JA4 when one is given. */
  describeClient(address: { readonly ip: Uint8Array; readonly isV4: boolean }, ja4: string | null): object;
}
