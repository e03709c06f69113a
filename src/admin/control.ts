/** What the admin API may ask of the edge. */
import type { Bundle } from '../orchestrator/bundle.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import type { FeedControl } from './feed-control.ts';

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
}
