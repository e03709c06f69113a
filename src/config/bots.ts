/** The section `bots`: crawlers that are known by their keys or their ranges. */
import { type BotRangeSource, type BotSettings, PUBLISHED } from '../intel/bot-sources.ts';
import type { FeedOptions } from '../intel/settings.ts';
import { suggest } from '../pdl/diagnostics/closest.ts';
import { BOTS } from '../profile/bots.ts';
import type { Path } from './document.ts';

type Section = Readonly<Record<string, unknown>>;

/** What of a configuration this needs: absolute paths, and where problems go. */
export interface BotReading {
  readonly path: (text: unknown) => string;
  readonly report: (at: Path, message: string, help: string) => void;
  /** `refresh` and `maxAge`, in milliseconds. */
  readonly times: Pick<BotSettings, 'refresh' | 'maxAge'>;
}

export function resolveBots(given: Section, reading: BotReading): BotSettings {
  const keys = ((given.keys as Section[] | undefined) ?? []).map(({ agent, file }) => ({
    agent: new URL(agent as string).origin,
    file: file === undefined ? null : reading.path(file),
  }));
  const ranges = ((given.ranges as Section[] | undefined) ?? []).flatMap((source, index) =>
    resolveRanges(source, ['bots', 'ranges', index], reading),
  );
  return { keys, ranges, ...reading.times };
}

/** None where something is missing, which is reported. */
function resolveRanges(source: Section, at: Path, { path, report }: BotReading): BotRangeSource[] {
  const name = source.bot as string;
  const bot = BOTS.find((each) => each.name.toLowerCase() === name.toLowerCase());
  const token = (source.token as string | undefined)?.toLowerCase() ?? bot?.token;
  if (token === undefined) {
    const names = BOTS.map((each) => each.name);
    const help = suggest(name, names, 'give `token`, the word in its User-Agent');
    report([...at, 'bot'], `there is no crawler called ${name} in the table`, help);
    return [];
  }
  if (source.url !== undefined && source.file !== undefined) {
    report(at, '`url` and `file` are given', 'leave one out');
    return [];
  }
  const url = (source.url as string | undefined) ?? bot?.ranges ?? null;
  const from = source.file !== undefined ? { file: path(source.file) } : url === null ? null : { url };
  if (from === null) {
    report(at, `${name} publishes no ranges that are known`, 'give `url` or `file`');
    return [];
  }
  return [
    { bot: bot?.name ?? name, token, from, options: optionsOf(source, 'url' in from ? from.url : from.file) },
  ];
}

function optionsOf({ path }: Section, from: string): FeedOptions {
  if (path !== undefined) return { format: 'json', path: path as string };
  return from.endsWith('.json') ? PUBLISHED : {};
}
