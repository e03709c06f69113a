/** Feeds, secrets, roots of certificates, counters, limits and verdicts. */

import { suggest } from '../diagnostics/closest.ts';
import type {
  CertificateAuthority,
  CountedEvent,
  Counter,
  Feed,
  KeyPart,
  Limit,
  Outcome,
  Secret,
  Verdict,
} from '../ir.ts';
import { resolveFact } from '../registry/fact-names.ts';
import { FACTS } from '../registry/facts.gen.ts';
import { ALERTS } from '../registry/iana.ts';
import type {
  CaNode,
  CounterNode,
  Entry,
  FeedNode,
  KeyPartNode,
  LimitNode,
  Name,
  OutcomeNode,
  SecretNode,
  VerdictNode,
} from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { challengeOf } from './challenge.ts';
import { type Found, fullName, lookup, type Module } from './modules.ts';
import { compilePolicy } from './policy.ts';
import { integerOf, millisecondsOf, tokensOf } from './units.ts';

/** What a feed may hold. */
export const FEED_TYPES: readonly string[] = [
  'cidr',
  'ip',
  'asn',
  'country',
  'host',
  'ja3',
  'ja4',
  'fingerprint',
  'spiffe',
  'string',
];
/** Formats a feed may have; without one the content of what is fetched tells it. */
export const FEED_FORMATS: readonly string[] = [
  'lines',
  'csv',
  'json',
  'spamhaus',
  'tor',
  'misp',
  'stix',
  'taxii',
  'crowdsec',
];
const FORMATS_HELP = `use ${FEED_FORMATS.join(', ')}`;
const ZONE = /^(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63}$/i;
/** An IPv6 address in front of it takes 64 of the 253 characters of a name (RFC 5782 section 2.4). */
const MAX_ZONE = 189;

/** Entries kept of a feed that sets no `max_entries`. */
const DEFAULT_MAX_ENTRIES = 1_000_000;
const DEFAULT_ALERT = 'access_denied';

export function compileFeed(build: Build, found: Found<FeedNode>): number {
  build.used.add(found.node);
  return build.feeds.index(found.node, () => {
    const feed = makeFeed(build, found);
    build.origins.feeds.set(feed, found.node);
    return feed;
  });
}

/** A list that is asked about one address at a time (RFC 5782). */
function checkDnsList(build: Build, node: FeedNode): void {
  const { report } = build;
  if (!ZONE.test(node.path.text) || node.path.text.length > MAX_ZONE) {
    report.error(
      'PDL-Y007',
      node.path.span,
      'this is no zone of a DNS list',
      'write it as "zen.example.org"',
    );
  }
  if (node.type.text !== 'cidr' && node.type.text !== 'ip') {
    const message = `a DNS list is asked about addresses, not about values of type ${node.type.text}`;
    report.error('PDL-Y005', node.type.span, message, 'write `of cidr`');
  }
  if (node.toScore) {
    const help = 'remove `to score`, and give a signal the points';
    build.need('PDL-X009', node.source.span, 'a DNS list `to score` is', help);
  }
}

function makeFeed(build: Build, found: Found<FeedNode>): Feed {
  const { node, module } = found;
  const { report } = build;
  if (!FEED_TYPES.includes(node.type.text)) {
    const message = `feeds of ${node.type.text} are not supported yet`;
    report.error('PDL-X018', node.type.span, message, `use ${FEED_TYPES.join(', ')}`);
  }
  const source = node.source.text as Feed['source'];
  if (source === 'builtin') {
    const help = 'fetch it into a file and write `from file "…"`';
    build.need('PDL-X009', node.source.span, `fetching a feed from \`${source}\` is`, help);
  }
  if (source === 'dnsbl') checkDnsList(build, node);
  if (source === 'url' && !/^https:\/\//.test(node.path.text)) {
    const help = 'write an address that begins with https://';
    report.error('PDL-F003', node.path.span, 'a feed is fetched over https alone', help);
  }
  const entries = entriesOf(build, node.entries);
  const option = (key: string): Name | null => entries.get(key)?.values[0] ?? null;
  const format = option('format');
  const sha256 = option('sha256');
  const auth = option('auth');
  if (sha256 !== null && !/^[0-9a-f]{64}$/.test(sha256.text)) {
    report.error('PDL-Y007', sha256.span, 'this is no SHA-256 digest', 'write 64 lower-case hex digits');
  }
  if (format !== null && !FEED_FORMATS.includes(format.text)) {
    const message = `there is no feed format called \`${format.text}\``;
    report.error('PDL-N007', format.span, message, suggest(format.text, FEED_FORMATS, FORMATS_HELP));
  }
  if (auth !== null && source !== 'url' && source !== 'crowdsec') {
    const help = 'remove it: a secret goes along with what is fetched';
    build.need('PDL-X010', entries.get('auth')!.span, `\`auth\` of a feed from \`${source}\` is`, help);
  }
  const duration = (key: string): number | null => {
    const value = entries.get(key)?.values[0];
    return value === undefined ? null : millisecondsOf(value.text);
  };
  const refreshMs = duration('refresh');
  const maxAgeMs = duration('max_age');
  const maxEntries = entries.get('max_entries')?.values[0];
  return {
    name: fullName(found),
    type: node.type.text as Feed['type'],
    source,
    path: node.path.text,
    declaredIn: module.file.path,
    refreshMs,
    maxAgeMs,
    onStale: (entries.get('on_stale')?.values[0]?.text ?? 'keep') as Feed['onStale'],
    maxEntries: maxEntries === undefined ? DEFAULT_MAX_ENTRIES : integerOf(maxEntries.text),
    ...(node.toScore ? { toScore: true as const } : {}),
    ...(format === null ? {} : { format: format.text }),
    ...(sha256 === null ? {} : { sha256: sha256.text }),
    ...(auth === null ? {} : { auth: secretOf(build, module, auth) }),
  };
}

/** Entries by key; a key written twice is reported. */
export function entriesOf<E extends Pick<Entry, 'key' | 'span'>>(
  build: Build,
  entries: readonly E[],
): Map<string, E> {
  const byKey = new Map<string, E>();
  for (const entry of entries) {
    const earlier = byKey.get(entry.key);
    if (earlier === undefined) byKey.set(entry.key, entry);
    else {
      const label = { span: earlier.span, text: 'written here first' };
      const message = `\`${entry.key}\` is written twice`;
      build.report.error('PDL-P011', entry.span, message, 'keep one of them', { labels: [label] });
    }
  }
  return byKey;
}

export function compileSecret(build: Build, found: Found<SecretNode>): number {
  const { node, module } = found;
  build.used.add(node);
  return build.secrets.index(node, (): Secret => {
    const { source, path } = node;
    return { name: fullName(found), source, path: path.text, declaredIn: module.file.path };
  });
}

/** Index of the secret a name means; 0 after a report. */
export function secretOf(build: Build, module: Module, name: Name): number {
  const found = lookup(module, ['secret'], name, build.report);
  return found === null ? 0 : compileSecret(build, found);
}

export function compileCa(build: Build, found: Found<CaNode>): number {
  const { node, module } = found;
  build.used.add(node);
  return build.cas.index(node, (): CertificateAuthority => {
    return { name: fullName(found), path: node.path.text, declaredIn: module.file.path };
  });
}

export function compileCounter(build: Build, found: Found<CounterNode>): number {
  const { node } = found;
  build.used.add(node);
  return build.counters.index(node, (): Counter => {
    if (node.slots !== null) {
      const help = 'remove it: the tables have a fixed size that all counters share';
      build.report.error(
        'PDL-X019',
        node.slots.span,
        'the size of a counter (`slots`) is not supported',
        help,
      );
    }
    const windowMs = millisecondsOf(node.window.text);
    if (windowMs < 1000 || windowMs > 86_400_000) {
      const help = 'use a window from 1s to 1d';
      build.report.error('PDL-C010', node.window.span, `\`${node.window.text}\` is no usable window`, help);
    }
    const event = (node.event?.text ?? 'hello') as CountedEvent;
    const counter: Counter = { name: fullName(found), key: compileKey(build, node.key), windowMs, event };
    build.origins.counters.set(counter, node);
    return counter;
  });
}

/** Facts that identify someone; lists and measurements do not. */
const KEY_TYPES: readonly string[] = [
  'ip',
  'asn',
  'country',
  'host',
  'ja3',
  'ja4',
  'fingerprint',
  'spiffe',
  'string',
  'ident',
];

export function compileKey(build: Build, parts: readonly KeyPartNode[]): KeyPart[] {
  return parts.flatMap(({ fact: name, prefixes }) => {
    const fact = resolveFact(name, build.report);
    if (fact === null) return [];
    const { type, list } = FACTS[fact]!;
    if (list || !KEY_TYPES.includes(type)) {
      const message = `\`${name.text}\` cannot be part of a key`;
      build.report.error(
        'PDL-Y006',
        name.span,
        message,
        'use conn.ip, conn.asn, hello.ja4 or another identity',
      );
      return [];
    }
    const v4 = prefixes === null ? 32 : integerOf(prefixes.v4.text);
    const v6 = prefixes === null ? 128 : integerOf(prefixes.v6.text);
    if (prefixes !== null && (type !== 'ip' || v4 > 32 || v6 > 128)) {
      const message =
        type === 'ip' ? 'a prefix is longer than the address' : `\`${name.text}\` has no prefix`;
      build.report.error('PDL-Y007', prefixes.v4.span, message, 'write conn.ip (v4 0 to 32, v6 0 to 128)');
      return [];
    }
    build.reads({ fact });
    return [{ fact, v4, v6 }];
  });
}

export function compileLimit(build: Build, found: Found<LimitNode>): number {
  const { node, module } = found;
  build.used.add(node);
  return build.limits.index(node, (): Limit => {
    const { tokens, perMs } = tokensOf(node.rate.text);
    const burst = node.burst === null ? tokens : integerOf(node.burst.text);
    if (tokens < 1 || perMs < 1 || burst < 1) {
      const span = (tokens < 1 || perMs < 1 ? node.rate : (node.burst ?? node.rate)).span;
      build.report.error('PDL-C010', span, 'this limit would let nobody through', 'allow at least one');
    }
    const key = compileKey(build, node.key);
    const limit: Limit = {
      name: fullName(found),
      key,
      event: (node.event?.text ?? earliestEvent(key)) as CountedEvent,
      tokens,
      perMs,
      burst,
      // biome-ignore lint/suspicious/noThenProperty: the word of the language; an outcome is never awaited
      then: compileOutcome(build, module, node.then),
    };
    build.origins.limits.set(limit, node);
    return limit;
  });
}

/** What a limit is drawn by that does not say: the first event at which its key is known. */
function earliestEvent(key: readonly KeyPart[]): CountedEvent {
  const phases = key.map(({ fact }) => FACTS[fact]!.phase);
  if (phases.includes('request')) return 'request';
  return phases.includes('cert') ? 'handshake' : 'hello';
}

/** Verdicts of limits; `use` and `challenge` by index. */
function compileOutcome(build: Build, module: Module, node: OutcomeNode): Outcome {
  if (node.action === 'use') {
    return { action: 'use', policy: compilePolicy(build, module, node.name) };
  }
  if (node.action === 'challenge') {
    return { action: 'challenge', challenge: challengeOf(build, module, node.name) ?? 0 };
  }
  return compileVerdict(build, node);
}

export function compileVerdict(build: Build, node: VerdictNode): Verdict {
  switch (node.action) {
    case 'refuse': {
      const alert = node.alert?.text ?? DEFAULT_ALERT;
      if (!Object.hasOwn(ALERTS, alert)) {
        const help = suggest(alert, Object.keys(ALERTS), 'use an alert of RFC 8446, such as access_denied');
        build.report.error('PDL-N007', node.alert!.span, `there is no TLS alert called \`${alert}\``, help);
      }
      return { action: 'refuse', alert };
    }
    case 'tarpit':
      return { action: 'tarpit', durationMs: millisecondsOf(node.duration!.text) };
    default:
      return { action: node.action };
  }
}
