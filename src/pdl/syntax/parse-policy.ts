/** `policy` and its sections. */
import type {
  CertificateEntry,
  ChallengeEntry,
  EnsureNode,
  ExtensionEntry,
  Items,
  LockableEntry,
  Name,
  PolicyNode,
  Section,
  SendEntry,
  TlsEntry,
  Value,
  VerdictNode,
} from './ast.ts';
import type { Cursor } from './cursor.ts';
import { parseKey, parseVerdict } from './parse-common.ts';
import { parseExpression, parseItems } from './parse-expression.ts';

const SECTIONS = [
  'action',
  'tls',
  'extensions',
  'handshake',
  'client_cert',
  'challenge',
  'limits',
  'ensure',
  'authenticate',
  'upstream',
  'log',
  'rank',
];
const LISTS = ['ciphers', 'groups', 'sigalgs', 'alpn'];
const SWITCHES = ['tickets', 'early_data', 'ocsp_stapling', 'renegotiation'];
export const TLS_ENTRIES: readonly string[] = ['versions', ...LISTS, 'prefer', ...SWITCHES, 'certificate'];
const EXTENSION_ENTRIES = ['require', 'forbid', 'only', 'max_count', 'order', 'send'];
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
  'deliver',
];
const AUTHENTICATION_ENTRIES = ['methods', 'within'];

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
  return { kind: 'name', text: cursor.node('value', () => keyword(cursor, words, place, true)), span };
}

function parseSection(cursor: Cursor): Section {
  const first = cursor.token;
  const key = keyword(cursor, SECTIONS, 'a policy', true);
  if (!['tls', 'extensions', 'handshake', 'limits', 'authenticate'].includes(key)) cursor.space(key);
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
    case 'extensions': {
      const entries = cursor.block(EXTENSION_ENTRIES, 'an extensions section', () =>
        parseExtensionEntry(cursor),
      );
      return { kind: 'extensions', entries, span: cursor.spanFrom(first) };
    }
    case 'client_cert':
      return { kind: 'client_cert', ...parseClientCertificate(cursor), span: cursor.spanFrom(first) };
    case 'authenticate':
      return { kind: 'authenticate', ...parseAuthentication(cursor), span: cursor.spanFrom(first) };
    case 'upstream':
      return {
        kind: 'upstream',
        name: cursor.identifier('an upstream of sallyport.yaml'),
        span: cursor.spanFrom(first),
      };
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
      const ensure = parseEnsure(cursor);
      return { kind: 'ensure', ensure, span: cursor.spanFrom(first) };
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

function parseEnsure(cursor: Cursor): EnsureNode {
  const first = cursor.token;
  const condition = parseExpression(cursor);
  return { condition, otherwise: parseElse(cursor), span: cursor.spanFrom(first) };
}

function parseElse(cursor: Cursor): VerdictNode | null {
  return cursor.acceptWord('else') ? parseVerdict(cursor) : null;
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

function parseExtensionEntry(cursor: Cursor): ExtensionEntry | SendEntry {
  const first = cursor.token;
  const key = keyword(cursor, EXTENSION_ENTRIES, 'an extensions section', true);
  if (key === 'send') return parseSend(cursor, first);
  if (key === 'order') {
    cursor.space(key);
    const value = wordValue(cursor, ['any', 'fixed'], 'order');
    const span = cursor.spanFrom(first);
    return { key, values: [value], otherwise: null, span, locked: parseLocked(cursor) };
  }
  if (key === 'max_count') cursor.space(key);
  const values = key === 'max_count' ? [cursor.int()] : parseItems(cursor, 'set').items;
  const span = cursor.spanFrom(first);
  const otherwise = parseElse(cursor);
  return { key, values, otherwise, span, locked: parseLocked(cursor) };
}

/** Messages of a server that may carry extensions (RFC 8446 section 4.2). */
const MESSAGES = [
  'encrypted_extensions',
  'hello_retry_request',
  'server_hello',
  'certificate',
  'certificate_request',
  'new_session_ticket',
];

function parseSend(cursor: Cursor, first: Cursor['token']): SendEntry {
  cursor.space('send');
  const extension = cursor.value('an extension such as ext(0xff5a)');
  const content = cursor.string('its content in double quotes');
  cursor.expectWord('in');
  if (!cursor.isAny(MESSAGES)) cursor.failAmong(MESSAGES, 'in');
  const message = cursor.identifier();
  return { key: 'send', extension, content, message, span: cursor.spanFrom(first) };
}

function parseClientCertificate(cursor: Cursor): { mode: Name; entries: readonly CertificateEntry[] } {
  const { token } = cursor;
  const mode = {
    text: keyword(cursor, ['off', 'request', 'require'], 'client_cert', true),
    span: cursor.spanOf(token),
  };
  if (mode.text === 'off') return { mode, entries: [] };
  const entries = cursor.block(CERTIFICATE_ENTRIES, 'a client_cert section', () =>
    parseCertificateEntry(cursor),
  );
  return { mode, entries };
}

function parseCertificateEntry(cursor: Cursor): CertificateEntry {
  const first = cursor.token;
  const key = keyword(cursor, CERTIFICATE_ENTRIES, 'a client_cert section', true);
  if (key === 'trust') {
    return { kind: 'trust', list: parseItems(cursor, 'list'), span: cursor.spanFrom(first) };
  }
  cursor.space(key);
  if (key === 'ensure') {
    return { kind: 'ensure', ensure: parseEnsure(cursor), span: cursor.spanFrom(first) };
  }
  if (key === 'depth') return { kind: 'depth', value: cursor.int(), span: cursor.spanFrom(first) };
  const source = keyword(cursor, ['crl', 'ocsp', 'feed'], 'revocation', true) as 'crl' | 'ocsp' | 'feed';
  const from: Value =
    cursor.token.kind === 'string'
      ? cursor.string()
      : { kind: 'name', ...cursor.qualified('a file in double quotes or a feed') };
  const onUnknown = cursor.acceptWord('on_unknown')
    ? (keyword(cursor, ['accept', 'refuse'], 'on_unknown', true) as 'accept' | 'refuse')
    : null;
  return { kind: 'revocation', source, from, onUnknown, span: cursor.spanFrom(first) };
}

type Authentication = Pick<Extract<Section, { kind: 'authenticate' }>, 'methods' | 'within'>;

/** `{ methods [ totp, oidc NAME ] within 15m }`. */
function parseAuthentication(cursor: Cursor): Authentication {
  let methods: Authentication['methods'] = [];
  let within: Value | null = null;
  cursor.block(AUTHENTICATION_ENTRIES, 'an authenticate section', () => {
    if (cursor.acceptWord('within')) {
      within = cursor.duration();
      return;
    }
    cursor.expect('methods');
    methods = cursor.node('items', () => parseMethods(cursor));
  });
  return { methods, within };
}

function parseMethods(cursor: Cursor): Authentication['methods'] {
  cursor.expect('[');
  const methods = [];
  while (!cursor.is(']')) {
    const method = cursor.identifier('totp, webauthn, oidc NAME or client_cert');
    const named = method.text === 'oidc' && !cursor.isAny([',', ']']);
    methods.push({ method, provider: named ? cursor.identifier('a provider of sallyport.yaml') : null });
    if (!cursor.accept(',')) break;
  }
  cursor.expect(']');
  return methods;
}

/** The entries of a `challenge` declaration. */
export function parseChallengeEntries(cursor: Cursor): ChallengeEntry[] {
  return cursor.block(CHALLENGE_ENTRIES, 'a challenge', () => parseChallengeEntry(cursor));
}

function parseChallengeEntry(cursor: Cursor): ChallengeEntry {
  const first = cursor.token;
  const key = keyword(cursor, CHALLENGE_ENTRIES, 'a challenge', true);
  if (key !== 'provider' && key !== 'deliver') cursor.space(key);
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
      return [wordValue(cursor, ['pow', 'captcha', 'wait', 'retry'], 'kind')];
    case 'deliver':
      return [...parseItems(cursor, 'list').items];
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
