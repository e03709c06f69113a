/** Reads what is known of crawlers: files of the operator, and the last good copies of what is fetched. */
import { readFileSync } from 'node:fs';
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';
import type { Feed } from '../pdl/ir.ts';
import { readKeys } from './bot-keys.ts';
import { type BotRangeSource, type BotSettings, directoryFeed, knownBots, rangeFeed } from './bot-sources.ts';
import { FeedFormatError } from './content.ts';
import { readFeed } from './formats.ts';
import { findings, NOTHING_ACCEPTED } from './guards.ts';
import type { BotKnowledge } from './known-bots.ts';
import { rangesOf } from './ranges.ts';
import { readCopy } from './store.ts';
import { checkText, textOf } from './text.ts';

export interface LoadedBots {
  readonly known: BotKnowledge;
  readonly diagnostics: readonly Diagnostic[];
}

interface Loading {
  readonly settings: BotSettings;
  /** The configuration. */
  readonly file: string;
  /** The folder of copies; null: what is fetched is left out. */
  readonly copies: string | null;
  readonly nowMs: number;
}

/** What is wrong with a file is an error, and it is left out; what was not fetched yet, or too long ago, is a warning. */
export function loadBots(loading: Loading): LoadedBots {
  const { settings, file } = loading;
  const diagnostics: Diagnostic[] = [];
  const attempt = <T>(what: string, path: string, help: string, read: () => T): T | null => {
    try {
      return read();
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      diagnostics.push(fileProblem(path, 'BOTS-001', `${what} cannot be used: ${reason}`, help));
      return null;
    }
  };
  const keys = settings.keys.flatMap((source) => {
    const what = `the keys of ${source.agent}`;
    if (source.file !== null) {
      const { agent, file: path } = source;
      const help = 'save its /.well-known/http-message-signatures-directory there';
      return attempt(what, path, help, () => readKeys(agent, readFileSync(path, 'utf8'))) ?? [];
    }
    const copy = fetched(directoryFeed(source, settings, file), loading, what, diagnostics);
    const help = 'refresh the feed';
    return copy === null
      ? []
      : (attempt(what, file, help, () => readKeys(source.agent, checkedText(copy.bytes))) ?? []);
  });
  const ranges = settings.ranges.flatMap((source) => {
    const what = `the ranges of ${source.bot}`;
    const members = attempt(what, 'file' in source.from ? source.from.file : file, 'correct the list', () =>
      readRanges(source, loading, what, diagnostics),
    );
    return members === null ? [] : [{ bot: source.bot, ranges: rangesOf(members) }];
  });
  return { known: { keys, ranges, bots: knownBots(settings) }, diagnostics };
}

/** Null: nothing good was fetched yet. @throws Error for a list that is none. */
function readRanges(
  source: BotRangeSource,
  loading: Loading,
  what: string,
  diagnostics: Diagnostic[],
): readonly string[] | null {
  const feed = rangeFeed(source, loading.settings, loading.file);
  const { options } = source;
  if ('url' in source.from) {
    const copy = fetched(feed, loading, what, diagnostics);
    return copy && [...readFeed(feed, copy.bytes, { options, fetchedMs: copy.fetchedAt }).members];
  }
  const content = readFeed(feed, readFileSync(source.from.file), {
    options,
    fetchedMs: loading.nowMs,
  });
  const judged = { feed, options, own: [], before: null, accepted: NOTHING_ACCEPTED, good: null };
  for (const { message } of findings(content, judged)) throw new FeedFormatError(message);
  return [...content.members];
}

/** @throws FeedFormatError for what is no text. */
function checkedText(bytes: Uint8Array): string {
  checkText(bytes);
  return textOf(bytes);
}

interface Fetched {
  readonly bytes: Uint8Array;
  readonly fetchedAt: number;
}

function fetched(
  feed: Feed,
  { copies, nowMs, file }: Loading,
  what: string,
  diagnostics: Diagnostic[],
): Fetched | null {
  if (copies === null) return null;
  const copy = readCopy(copies, feed);
  const state = copy?.state.copy;
  const isOld = state ? nowMs - state.checkedAt > feed.maxAgeMs! : false;
  if (copy && state && !isOld) return { bytes: copy.bytes, fetchedAt: state.fetchedAt };
  const why = isOld ? 'are older than `bots.maxAge`' : 'were not fetched yet';
  const help = `see \`sallyport feed show ${feed.name}\` for why`;
  diagnostics.push(fileProblem(file, 'BOTS-002', `${what} ${why} and are not used`, help, 'warning'));
  return null;
}
