/** F001: feeds that are never refreshed, grow stale too soon, or go stale the wrong way. */
import type { Program, Rule } from '../ir.ts';
import type { FeedNode } from '../syntax/ast.ts';
import { type Subject, warn } from './subject.ts';

export function checkFeeds(subject: Subject): void {
  const { program, origins, report } = subject;
  program.feeds.forEach((feed, index) => {
    const node = origins.feeds.get(feed);
    if (!node) return;
    const at = (key: string): FeedNode['name']['span'] =>
      node.entries.find((entry) => entry.key === key)?.span ?? node.name.span;
    const say = (key: string, message: string, help: string, note: string): void =>
      warn(report, 'PDL-F001', node.annotations, {
        span: at(key),
        message,
        help,
        details: { notes: [note] },
      });
    if (feed.refreshMs !== null && feed.maxAgeMs !== null && feed.maxAgeMs < feed.refreshMs) {
      const note = 'between two readings it counts as stale';
      say(
        'max_age',
        'the feed grows stale before it is read again',
        'make max_age longer than refresh',
        note,
      );
    } else if (feed.source !== 'file' && feed.source !== 'dnsbl' && feed.refreshMs === null) {
      const note = 'what it held at the start is used for ever';
      say('refresh', `feed \`${feed.name}\` is fetched once and never again`, 'add `refresh 1h`', note);
    } else if (feed.onStale !== 'keep' && feed.maxAgeMs === null) {
      const note = 'without `max_age` a feed never counts as stale';
      say('on_stale', `\`on_stale ${feed.onStale}\` never happens`, 'add `max_age 24h`', note);
    }
    const use = (tier: Rule['tier']): Rule | undefined =>
      program.rules.find((rule) => rule.tier === tier && !rule.shadow && asks(program, rule, index));
    const exempt = use('exempt');
    if (feed.onStale === 'empty' && feed.maxAgeMs !== null && exempt) {
      const note = `\`exempt ${exempt.name}\` then exempts nobody, and those it let in meet the other rules`;
      say('on_stale', `a stale \`${feed.name}\` shuts out those it exempts`, 'write `on_stale keep`', note);
    }
    const isRevocation =
      /revo[ck]/.test(feed.name) ||
      program.policies.some(({ clientCert }) => clientCert?.revocation?.feed === index);
    if (isRevocation && feed.onStale !== 'fail') {
      const note = 'certificates revoked since then would be accepted';
      say('on_stale', `a stale \`${feed.name}\` is used as if it were fresh`, 'write `on_stale fail`', note);
    }
  });
}

function asks({ atoms, tables }: Program, rule: Rule, feed: number): boolean {
  return rule.when.some(({ yes }) =>
    yes.some((index) => {
      const atom = atoms[index]!;
      const { operand } = atom;
      if ('lookup' in operand) return operand.lookup === feed;
      if ('listed' in operand) return operand.listed === feed;
      return atom.kind === 'table' && tables[atom.table]!.feed === feed;
    }),
  );
}
