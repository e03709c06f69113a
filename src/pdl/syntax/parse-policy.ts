/** `policy` and its sections. */
import type {
  ChallengeEntry,
  Items,
  LockableEntry,
  Name,
  PolicyNode,
  Section,
  TlsEntry,
  Value,
} from './ast.ts';
import type { Cursor } from './cursor.ts';
import { parseKey, parseVerdict } from './parse-common.ts';
import { parseExpression, parseItems, parseSetTerm } from './parse-expression.ts';

const SECTIONS = [
  'action',
  'tls',
  'extensions',
  'handshake',
  'client_cert',
  'challenge',
  'limits',
  'ensure',
  'log',
  'rank',
];
const LISTS = ['ciphers', 'groups', 'sigalgs', 'alpn'];
const SWITCHES = ['tickets', 'early_data', 'ocsp_stapling', 'renegotiation'];
const TLS_ENTRIES = ['versions', ...LISTS, 'prefer', ...SWITCHES, 'certificate'];
const EXTENSION_ENTRIES = ['require', 'forbid', 'only', 'max_count', 'order'];
const HANDSHAKE_ENTRIES = ['timeout', 'idle', 'hello_timeout', 'max_hello', 'max_inflight'];
const CERTIFICATE_ENTRIES = ['trust', 'ensure', 'revocation', 'depth'];
const CHALLENGE_ENTRIES = [
  'kind',
  'algorithm',
  'difficulty',
  'provider',
  'solve_within',
  'clears',
  'secret',
  'fallback',
];

type PolicyBody = Pick<PolicyNode, 'name' | 'abstract' | 'parent' | 'sections'>;

export function parsePolicy(cursor: Cursor): PolicyBody {
  const abstract = cursor.acceptWord('abstract');
  cursor.expectWord('policy');
  const name = cursor.identifier('the name of the policy');
  const parent = cursor.acceptWord('extends') ? cursor.qualified('the policy it extends') : null;
  const sections = cursor.block(SECTIONS, 'a policy', () => parseSection(cursor));
  return { name, abstract, parent, sections };
}

/** Takes one of `words`, followed by white space unless `loose`. */
function keyword(cursor: Cursor, words: readonly string[], place: string, loose = false): string {
  const word = words.find((candidate) => cursor.is(candidate));
  if (word === undefined) cursor.failAmong(words, place);
  cursor.take();
  if (!loose) cursor.space(word);
  return word;
}

function wordValue(cursor: Cursor, words: readonly string[], place: string): Value {
  const span = cursor.spanOf(cursor.token);
  return { kind: 'name', text: keyword(cursor, words, place, true), span };
}

function parseSection(cursor: Cursor): Section {
  const first = cursor.token;
  const key = keyword(cursor, SECTIONS, 'a policy', true);
  if (!['tls', 'extensions', 'handshake', 'limits'].includes(key)) cursor.space(key);
  switch (key) {
    case 'action':
      return { kind: 'action', verdict: parseVerdict(cursor), span: cursor.spanFrom(first) };
    case 'tls': {
      const entries = cursor.block(TLS_ENTRIES, 'a tls section', () => parseTlsEntry(cursor));
      return { kind: 'tls', entries, span: cursor.spanFrom(first) };
    }
    case 'handshake': {
      const entries = cursor.block(HANDSHAKE_ENTRIES, 'a handshake section', () =>
        parseHandshakeEntry(cursor),
      );
      return { kind: 'handshake', entries, span: cursor.spanFrom(first) };
    }
    case 'extensions':
      cursor.block(EXTENSION_ENTRIES, 'an extensions section', () => parseExtensionEntry(cursor));
      return { kind: 'extensions', span: cursor.spanFrom(first) };
    case 'client_cert':
      return { kind: 'client_cert', mode: parseClientCertificate(cursor), span: cursor.spanFrom(first) };
    case 'challenge':
      return {
        kind: 'challenge',
        name: cursor.qualified('a challenge or none'),
        span: cursor.spanFrom(first),
      };
    case 'limits': {
      const list: Items = parseItems(cursor, 'list');
      return { kind: 'limits', list, span: cursor.spanFrom(first) };
    }
    case 'ensure': {
      const condition = parseEnsure(cursor);
      return { kind: 'ensure', condition, span: cursor.spanFrom(first) };
    }
    case 'log': {
      const mode = keyword(cursor, ['all', 'sampled', 'violations', 'none'], 'log', true);
      if (mode === 'sampled') cursor.space(mode);
      const percent = mode === 'sampled' ? cursor.literal('percent', 'a percentage such as 1%') : null;
      return { kind: 'log', mode, percent, span: cursor.spanFrom(first) };
    }
    default:
      return { kind: 'rank', value: cursor.int(), span: cursor.spanFrom(first) };
  }
}

function parseEnsure(cursor: Cursor) {
  const condition = parseExpression(cursor);
  parseElse(cursor);
  return condition;
}

function parseElse(cursor: Cursor): void {
  if (cursor.acceptWord('else')) parseVerdict(cursor);
}

/** `locked` counts only on the line of what it locks. */
function parseLocked(cursor: Cursor): boolean {
  if (!cursor.is('locked') || !cursor.token.sameLine) return false;
  cursor.take();
  return true;
}

function parseTlsEntry(cursor: Cursor): TlsEntry {
  const first = cursor.token;
  const key = keyword(cursor, TLS_ENTRIES, 'a tls section', true);
  let operator: TlsEntry['operator'] = null;
  let values: readonly Value[];
  if (LISTS.includes(key)) {
    operator = (['=', '+=', '-='] as const).find((candidate) => cursor.is(candidate)) ?? null;
    if (operator === null) cursor.fail('`=`, `+=` or `-=`');
    cursor.take();
    values = parseItems(cursor, 'list').items;
  } else if (key === 'certificate') {
    values = [cursor.string()];
  } else {
    cursor.space(key);
    if (key === 'versions') {
      const from = cursor.literal('tls_version', 'a TLS version such as tls1.2');
      cursor.expect('..');
      values = [from, cursor.literal('tls_version', 'a TLS version such as tls1.3')];
    } else {
      values = [wordValue(cursor, key === 'prefer' ? ['server', 'client'] : ['on', 'off'], key)];
    }
  }
  const span = cursor.spanFrom(first);
  return { key, operator, values, span, locked: parseLocked(cursor) };
}

function parseHandshakeEntry(cursor: Cursor): LockableEntry {
  const first = cursor.token;
  const key = keyword(cursor, HANDSHAKE_ENTRIES, 'a handshake section');
  let value: Value;
  if (key === 'max_hello') value = cursor.literal('bytes', 'a size such as 16KiB');
  else if (key === 'max_inflight') value = cursor.int();
  else value = cursor.duration();
  const span = cursor.spanFrom(first);
  return { key, values: [value], span, locked: parseLocked(cursor) };
}

function parseExtensionEntry(cursor: Cursor): void {
  const key = keyword(cursor, EXTENSION_ENTRIES, 'an extensions section', true);
  if (key === 'max_count' || key === 'order') cursor.space(key);
  if (key === 'order') keyword(cursor, ['any', 'fixed'], 'order', true);
  else {
    if (key === 'max_count') cursor.int();
    else parseItems(cursor, 'set');
    parseElse(cursor);
  }
  parseLocked(cursor);
}

function parseClientCertificate(cursor: Cursor): Name {
  const { token } = cursor;
  const mode = keyword(cursor, ['off', 'request', 'require'], 'client_cert', true);
  if (mode !== 'off') {
    cursor.block(CERTIFICATE_ENTRIES, 'a client_cert section', () => parseCertificateEntry(cursor));
  }
  return { text: mode, span: cursor.spanOf(token) };
}

function parseCertificateEntry(cursor: Cursor): void {
  const key = keyword(cursor, CERTIFICATE_ENTRIES, 'a client_cert section', true);
  if (key === 'trust') {
    parseItems(cursor, 'list');
    return;
  }
  cursor.space(key);
  if (key === 'ensure') parseEnsure(cursor);
  else if (key === 'depth') cursor.int();
  else {
    keyword(cursor, ['crl', 'ocsp', 'feed'], 'revocation', true);
    if (cursor.token.kind === 'string') cursor.string();
    else parseSetTerm(cursor);
    if (cursor.acceptWord('on_unknown')) keyword(cursor, ['accept', 'refuse'], 'on_unknown', true);
  }
}

/** The entries of a `challenge` declaration. */
export function parseChallengeEntries(cursor: Cursor): ChallengeEntry[] {
  return cursor.block(CHALLENGE_ENTRIES, 'a challenge', () => parseChallengeEntry(cursor));
}

function parseChallengeEntry(cursor: Cursor): ChallengeEntry {
  const first = cursor.token;
  const key = keyword(cursor, CHALLENGE_ENTRIES, 'a challenge', true);
  if (key !== 'provider') cursor.space(key);
  if (key === 'clears') {
    cursor.expectWord('for');
    const duration = cursor.duration();
    cursor.expectWord('per');
    const per = parseKey(cursor);
    return { key, duration, per, span: cursor.spanFrom(first) };
  }
  const values = challengeValues(cursor, key);
  return { key, values, span: cursor.spanFrom(first) };
}

function challengeValues(cursor: Cursor, key: string): Value[] {
  switch (key) {
    case 'kind':
      return [wordValue(cursor, ['pow', 'captcha', 'retry'], 'kind')];
    case 'provider':
      return [cursor.string()];
    case 'solve_within':
      return [cursor.duration()];
    case 'difficulty': {
      const from = cursor.int();
      if (!cursor.accept('..')) return [from];
      const to = cursor.int();
      cursor.expectWord('over');
      cursor.expectWord('score');
      const low = cursor.int();
      cursor.expect('..');
      return [from, to, low, cursor.int()];
    }
    default: {
      const name = key === 'algorithm' ? cursor.identifier('an algorithm') : cursor.qualified();
      return [{ kind: 'name', ...name }];
    }
  }
}
