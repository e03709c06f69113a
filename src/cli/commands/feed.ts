/** `sallyport feed list|show|refresh|lookup`: the feeds of a running edge, over its admin API. */
import type { FeedReport } from '../../admin/feed-control.ts';
import type { Refreshed } from '../../intel/refresh.ts';
import type { FeedMatch, LookupAnswer } from '../../orchestrator/feed-lookup.ts';
import { suggest } from '../../pdl/diagnostics/closest.ts';
import { type AdminOptions, askAdminFor } from '../admin-client.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, type Format, useColor } from '../output.ts';
import { type Paint, painter, type Style } from '../style.ts';
import { span, table } from '../table.ts';

export interface FeedOptions extends AdminOptions {
  readonly format?: Format;
}

export interface RefreshOptions extends FeedOptions {
  readonly acceptSize?: true;
  readonly acceptCoverage?: true;
}

const COLOURS: Readonly<Record<FeedReport['state'], Style>> = {
  good: 'green',
  failing: 'yellow',
  stale: 'yellow',
  missing: 'red',
};

function say(options: FeedOptions, answer: object, human: (paint: Paint) => string): void {
  const isHuman = chooseFormat(options.format) === 'human';
  process.stdout.write(isHuman ? human(painter(useColor(process.stdout))) : `${JSON.stringify(answer)}\n`);
}

async function feedsOf(options: FeedOptions): Promise<readonly FeedReport[]> {
  const { feeds } = await askAdminFor<{ readonly feeds: readonly FeedReport[] }>(options, 'GET', '/v1/feeds');
  return feeds;
}

/** Exit code 1 when some feed is missing or stale, or its last refresh failed. */
export async function listFeeds(options: FeedOptions): Promise<number> {
  const feeds = await feedsOf(options);
  say(options, { feeds }, (paint) => {
    if (feeds.length === 0) return 'the policy in force has no feeds\n';
    const head = ['feed', 'of', 'from', 'members', 'age', 'next', 'state'];
    const reasons = feeds.filter(({ reason }) => reason !== null);
    const notes = reasons.map(({ name, reason, failures }) => `${name}: ${reason}${inARow(failures)}\n`);
    const colour = (cell: string, column: number): string =>
      column === 6 ? paint(COLOURS[cell as FeedReport['state']], cell) : cell;
    return (
      table(head, feeds.map(cells), paint, [3], colour) + (notes.length > 0 ? `\n${notes.join('')}` : '')
    );
  });
  return feeds.every(({ state }) => state === 'good') ? EXIT.ok : EXIT.problem;
}

function cells(feed: FeedReport): string[] {
  const { name, type, toScore, source, entries, ageMs, nextAt, state } = feed;
  return [
    name,
    toScore ? `${type} to score` : type,
    source,
    entries === null ? '–' : entries.toLocaleString('en'),
    ageMs === null ? '–' : span(ageMs),
    nextAt === null ? '–' : `in ${span(nextAt - Date.now())}`,
    state,
  ];
}

/** Exit code 1 when the feed is not in a good state. */
export async function showFeed(name: string, options: FeedOptions): Promise<number> {
  const feeds = await feedsOf(options);
  const feed = feeds.find((each) => each.name === name);
  if (feed === undefined) {
    const names = feeds.map((each) => each.name);
    const help = suggest(
      name,
      names,
      names.length === 0 ? 'the policy has none' : `there are: ${names.join(', ')}`,
    );
    throw new CliError(`there is no feed called ${name}; ${help}`);
  }
  say(options, feed, (paint) => {
    const rows: (readonly [string, string | null])[] = [
      ['holds', feed.toScore ? `${feed.type}, each with a score` : feed.type],
      ['from', `${feed.source} ${feed.from}`],
      ['state', paint(COLOURS[feed.state], feed.state)],
      ['members', feed.entries === null ? 'not known' : feed.entries.toLocaleString('en')],
      ['age', feed.ageMs === null ? null : span(feed.ageMs)],
      ['refresh', feed.refreshMs === null ? 'never' : `every ${span(feed.refreshMs)}`],
      ['next', feed.nextAt === null ? null : `in ${span(feed.nextAt - Date.now())}`],
      ['max_age', feed.maxAgeMs === null ? null : `${span(feed.maxAgeMs)}, then ${feed.onStale}`],
      ['failed', feed.reason === null ? null : feed.reason + inARow(feed.failures)],
      ['questions', counts(feed.queries)],
      ['refreshes', counts(feed.results)],
    ];
    const known = rows.filter(([, value]) => value !== null);
    return `${paint('bold', feed.name)}\n${known.map(([key, value]) => `  ${key.padEnd(9)}  ${value}\n`).join('')}`;
  });
  return feed.state === 'good' ? EXIT.ok : EXIT.problem;
}

function counts(results: Readonly<Record<string, number>> | null): string | null {
  if (results === null) return null;
  return Object.entries(results)
    .map(([result, count]) => `${count} ${result.replace('_', ' ')}`)
    .join(', ');
}

/** ` (3 times in a row)`, where it is more than once. */
function inARow(failures: number): string {
  return failures > 1 ? ` (${failures} times in a row)` : '';
}

/** Exit code 1 when it failed or was refused: what was in force stays. */
export async function refreshFeed(name: string, options: RefreshOptions): Promise<number> {
  const body = {
    acceptSize: options.acceptSize === true,
    acceptCoverage: options.acceptCoverage === true,
  };
  const path = `/v1/feeds/${encodeURIComponent(name)}/refresh`;
  const result = await askAdminFor<Refreshed>(options, 'POST', path, body);
  say(options, result, (paint) => {
    const good = result.reason === null;
    const what = paint(good ? 'green' : 'red', result.result);
    return `${result.feed}: ${what}${good ? '' : `, and what was in force stays: ${result.reason}${hint(result)}`}\n`;
  });
  return result.reason === null ? EXIT.ok : EXIT.problem;
}

/** What to do about a guard that an operator may overrule. */
function hint({ reason }: Refreshed): string {
  if (/^it (?:grew|shrank) from/.test(reason ?? ''))
    return '\nif it really did, take it once with --accept-size';
  return /^it covers/.test(reason ?? '') ? '\nif that is right, take it once with --accept-coverage' : '';
}

/** Exit code 1 when no feed holds the value. */
export async function lookupValue(value: string, options: FeedOptions): Promise<number> {
  const path = `/v1/feeds/lookup?value=${encodeURIComponent(value)}`;
  const answer = await askAdminFor<LookupAnswer>(options, 'GET', path);
  say(options, answer, (paint) => {
    const unread = answer.unread
      .map((name) => `${name} does not tell: it has no good copy, or does not answer\n`)
      .join('');
    if (answer.searched.length + answer.unread.length === 0)
      return `no feed of this policy holds anything like ${value}\n`;
    if (answer.found.length === 0) return `${value} is in none of: ${answer.searched.join(', ')}\n${unread}`;
    const rows = answer.found.map(matchCells);
    return `${table(['feed', 'through', 'line', 'score', 'ends', ''], rows, paint, [2, 3])}${unread}`;
  });
  return answer.found.length > 0 ? EXIT.ok : EXIT.problem;
}

function matchCells({ feed, entry, line, score, ends, leftOut }: FeedMatch): string[] {
  const left = { ended: 'has ended, no longer counts', never_blocked: 'is never blocked, does not count' };
  return [
    feed,
    entry,
    line === null ? '' : String(line),
    score === null ? '' : String(score),
    ends ?? '',
    leftOut === null ? '' : left[leftOut],
  ];
}
