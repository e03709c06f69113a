/** The verbs about feeds. */
import { type Command, Option } from 'commander';
import { FEED_FORMATS, FEED_TYPES } from '../pdl/compile/source.ts';
import type { FeedOptions, RefreshOptions } from './commands/feed.ts';
import type { VerifyOptions } from './commands/feed-verify.ts';
import { formatOption } from './options.ts';

/** Of all of them, for `sallyport feed --help`. */
export const FEED_EXAMPLES: string =
  '  sallyport feed list\n  sallyport feed lookup 203.0.113.7\n  sallyport feed refresh drop --accept-size\n' +
  '  sallyport feed verify list.csv --as csv --column dst_ip\n';

/** Adds them below `feed`; `withAdmin` adds the flags that name a running edge. */
export function addFeedVerbs(
  feed: Command,
  withAdmin: (command: Command) => Command,
  done: (code: number) => void,
): void {
  const verb = (name: string, description: string, examples: string): Command =>
    feed
      .command(name)
      .description(description)
      .exitOverride()
      .addHelpText('after', `\nExamples:\n${examples}`);
  const ofEdge = (name: string, description: string, examples: string): Command =>
    withAdmin(verb(name, description, examples)).addOption(formatOption());

  ofEdge(
    'list',
    'Show the feeds of a running edge: members, age, next refresh, and what is wrong.',
    '  sallyport feed list\n  sallyport feed list --format json | jq \'.feeds[] | select(.state != "good")\'\n' +
      '\nExits with 1 while some feed is not good.\n',
  ).action(async (options: FeedOptions) => {
    const { listFeeds } = await import('./commands/feed.ts');
    done(await listFeeds(options));
  });

  ofEdge('show', 'Show everything about one feed.', '  sallyport feed show drop\n')
    .argument('<name>', 'the feed, as the policy calls it')
    .action(async (name: string, options: FeedOptions) => {
      const { showFeed } = await import('./commands/feed.ts');
      done(await showFeed(name, options));
    });

  ofEdge(
    'refresh',
    'Fetch a feed now, and put what changed in force.',
    '  sallyport feed refresh drop\n  sallyport feed refresh drop --accept-size\n' +
      '\nExits with 1 when it failed or was refused; the last good copy then stays.\n',
  )
    .argument('<name>', 'a feed that is fetched')
    .option('--accept-size', 'take it although it grew tenfold or lost half of its members')
    .option('--accept-coverage', 'take it although it covers many clients that are served now')
    .action(async (name: string, options: RefreshOptions) => {
      const { refreshFeed } = await import('./commands/feed.ts');
      done(await refreshFeed(name, options));
    });

  ofEdge(
    'lookup',
    'Say which feeds hold a value, through which member, and until when.',
    '  sallyport feed lookup 203.0.113.7\n  sallyport feed lookup www.shop.example\n' +
      '  sallyport feed lookup t13d1516h2_8daaf6152771_02713d6af862\n\nExits with 1 when none does.\n',
  )
    .argument('<value>', 'an address, a prefix, a network (AS64500), a host name, a JA3 or JA4')
    .action(async (value: string, options: FeedOptions) => {
      const { lookupValue } = await import('./commands/feed.ts');
      done(await lookupValue(value, options));
    });

  verb(
    'verify',
    'Read a file as a feed would be read: members, lines that are none, and what would keep it out.',
    '  sallyport feed verify drop.txt\n  curl -s https://feeds.example/list | sallyport feed verify -\n' +
      '  sallyport feed verify list.csv --as csv --column dst_ip\n' +
      '  sallyport feed verify list.json --feed abuse --config sallyport.yaml\n' +
      '\nExits with 1 when it would be refused.\n',
  )
    .argument('<file>', 'what was fetched; - reads standard input')
    .addOption(
      new Option('--as <format>', 'its format; by default its content tells').choices([...FEED_FORMATS]),
    )
    .addOption(new Option('--type <type>', 'what it holds (default: cidr)').choices([...FEED_TYPES]))
    .option('--to-score', 'its members have scores')
    .option('--column <column>', 'CSV: the name or number of the column with the members')
    .option('--path <path>', 'JSON: keys joined by dots, * for each')
    .option('--score <column or key>', 'where the scores are')
    .option('--before <count>', 'members of the copy in force, to compare the size with')
    .option('--feed <name>', 'read it as this feed of the policy')
    .option('--policy <file>', 'the policy that declares the feed')
    .option('--config <file>', 'the configuration, for its policy, your own prefixes and options of the feed')
    .addOption(formatOption())
    .action(async (file: string, options: VerifyOptions) => {
      const { verifyFeed } = await import('./commands/feed-verify.ts');
      done(verifyFeed(file, options));
    });
}
