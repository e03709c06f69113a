/** What a batch worker does: compile a policy, judge a feed, look something up in feeds, look at a block of hellos, score a block of columns. */
import { Piscina } from 'piscina';
import { type Judgement, type JudgeRequest, judgeFeed } from '../intel/guards.ts';
import {
  type CompileOutcome,
  type CompileRequest,
  compilePolicyFile,
} from '../orchestrator/compile-policy.ts';
import { type LookupAnswer, type LookupRequest, lookupFeeds } from '../orchestrator/feed-lookup.ts';
import { type LoadedDatabase, loadDatabase } from '../profile/address/load-database.ts';
import type { OriginKind } from '../profile/address/origins.ts';
import { BatchDesk, type ScoreTask } from './desk.ts';
import type { BatchSetup } from './setup.ts';

let desk: BatchDesk | null = null;

/** Made for the first block: a worker that only compiles policies needs none. */
function theDesk(): BatchDesk {
  desk ??= new BatchDesk(Piscina.workerData as BatchSetup);
  return desk;
}

export default function compileTask(request: CompileRequest): CompileOutcome {
  return compilePolicyFile(request);
}

export function judge(request: JudgeRequest): Judgement {
  return judgeFeed(request);
}

export function lookup(request: LookupRequest): LookupAnswer {
  return lookupFeeds(request);
}

export interface DatabaseTask {
  readonly file: string;
  readonly kind: OriginKind;
}

/** The answer's memory is shared with whoever asked. */
export function database({ file, kind }: DatabaseTask): LoadedDatabase | string {
  return loadDatabase(file, kind, Date.now());
}

export interface AnalyzeTask {
  readonly block: number;
  readonly count: number;
}

export function analyze({ block, count }: AnalyzeTask): void {
  theDesk().analyze(block, count);
}

export function score(task: ScoreTask): void {
  theDesk().score(task);
}
