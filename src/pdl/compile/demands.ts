/** What a policy demands besides its TLS profile: extensions, certificates, conditions, other factors. */

import { suggest } from '../diagnostics/closest.ts';
import type {
  Authentication,
  ClientCertificate,
  Condition,
  Ensure,
  ExtensionRules,
  Policy,
  Span,
  Verdict,
} from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import { EXTENSION_NAMES } from '../registry/iana.ts';
import type { EnsureNode, ExtensionEntry, Section, SendEntry, VerdictNode } from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { compileCondition } from './condition.ts';
import { atom, not } from './formula.ts';
import { fullName, lookup, type Module } from './modules.ts';
import { compileCa, compileFeed, compileVerdict, entriesOf } from './source.ts';
import { integerOf, millisecondsOf } from './units.ts';
import { readValue, resolveItems } from './values.ts';

type SectionOf<K extends Section['kind']> = Extract<Section, { kind: K }>;
/** A policy's demands while parents and children add to them. */
export type Demands = {
  -readonly [K in 'extensions' | 'clientCert' | 'ensure' | 'authenticate' | 'upstream']?: Policy[K];
};

const FINGERPRINT = FACTS.findIndex(({ name }) => name === 'cert.fingerprint');
const ALWAYS: Condition = [{ yes: [], no: [] }];
const DENIED: Verdict = { action: 'refuse', alert: 'access_denied' };
const BAD_CERTIFICATE: Verdict = { action: 'refuse', alert: 'bad_certificate' };

const NO_RULES: ExtensionRules = {
  require: null,
  forbid: null,
  only: null,
  maxCount: null,
  order: 'any',
  send: [],
};
/**
 * Messages an extension of the server may travel in (RFC 8446 section 4.2); in all but the last two only
 * when the client offered the type.
 */
const SENDABLE = [
  'encrypted_extensions',
  'hello_retry_request',
  'certificate',
  'certificate_request',
  'new_session_ticket',
];

/** One entry of `extensions`, over what the policy's ancestors say. */
export function applyExtensions(
  build: Build,
  module: Module,
  entry: ExtensionEntry | SendEntry,
  demands: Demands,
): void {
  const before = demands.extensions ?? NO_RULES;
  if (entry.key === 'send') {
    demands.extensions = { ...before, send: [...before.send, ...sent(build, entry as SendEntry, module)] };
    return;
  }
  const { key, values, otherwise } = entry as ExtensionEntry;
  const verdict = verdictOr(build, otherwise, DENIED);
  if (key === 'order') {
    demands.extensions = { ...before, order: values[0]!.text === 'fixed' ? 'fixed' : 'any' };
  } else if (key === 'max_count') {
    demands.extensions = { ...before, maxCount: { count: integerOf(values[0]!.text), otherwise: verdict } };
  } else {
    const items = { kind: 'set' as const, items: values, span: entry.span };
    const types = resolveItems(module, items).flatMap((value) => {
      const code = readValue(module, value, 'extension', build.report);
      return typeof code === 'number' ? [code] : [];
    });
    demands.extensions = { ...before, [key]: { types: [...new Set(types)], otherwise: verdict } };
  }
}

/** Custom content is never sent for a type that TLS itself fills. */
function sent(build: Build, entry: SendEntry, module: Module): ExtensionRules['send'] {
  const { report } = build;
  const type = readValue(module, entry.extension, 'extension', report);
  if (typeof type !== 'number') return [];
  const message = entry.message.text;
  if (EXTENSION_NAMES.has(type)) {
    const name = EXTENSION_NAMES.get(type);
    const what = `\`${name}\` belongs to TLS itself, and its content is not free to choose`;
    report.error(
      'PDL-T005',
      entry.extension.span,
      what,
      'send a type that is not registered, such as ext(0xff5a)',
    );
  }
  if (!SENDABLE.includes(message)) {
    const what = `a custom extension cannot travel in \`${message}\``;
    report.error('PDL-T005', entry.message.span, what, `write ${SENDABLE.join(', ')} (RFC 8446 section 4.2)`);
  }
  const { text } = entry.content;
  const content = /^(?:[0-9a-f]{2})+$/.test(text) ? text : hexOf(text);
  return [{ type, content, message }];
}

function hexOf(text: string): string {
  return [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function verdictOr(build: Build, node: VerdictNode | null, fallback: Verdict): Verdict {
  return node === null ? fallback : compileVerdict(build, node);
}

/** `ensure CONDITION`: violated where the condition is definitely false, met where it definitely holds. */
export function compileEnsure(
  build: Build,
  module: Module,
  { condition, otherwise, span }: EnsureNode,
  fallback: Verdict = DENIED,
): Ensure {
  const formula = compileCondition(build, module, condition);
  const violated = build.condition(formula && not(formula), '`ensure`', condition.span);
  const met = build.condition(formula, '`ensure`', condition.span);
  build.demanded.push({ condition: met, span: condition.span });
  const text = textOf(module, condition.span);
  return { violated, met, text, otherwise: verdictOr(build, otherwise, fallback), span };
}

/** The text at a place, in one line. */
function textOf({ text }: Module, { line, column, endLine, endColumn }: Span): string {
  const lines = text.split('\n').slice(line - 1, endLine);
  lines[lines.length - 1] = lines.at(-1)!.slice(0, endColumn - 1);
  return lines
    .join(' ')
    .slice(column - 1)
    .replace(/\s+/g, ' ');
}

export function compileClientCertificate(
  build: Build,
  module: Module,
  section: SectionOf<'client_cert'>,
): ClientCertificate | undefined {
  if (section.mode.text === 'off') return undefined;
  const mode = section.mode.text as ClientCertificate['mode'];
  entriesOf(
    build,
    section.entries
      .map((entry) => ({ key: entry.kind, span: entry.span }))
      .filter(({ key }) => key !== 'ensure'),
  );
  const trust: number[] = [];
  const ensure: Ensure[] = [];
  let depth: number | null = null;
  let revocation: ClientCertificate['revocation'] = null;
  for (const entry of section.entries) {
    switch (entry.kind) {
      case 'trust':
        for (const item of entry.list.items) {
          const found = lookup(module, ['ca'], item, build.report);
          if (found !== null) trust.push(compileCa(build, found));
        }
        break;
      case 'depth':
        depth = integerOf(entry.value.text);
        break;
      case 'ensure':
        ensure.push(compileEnsure(build, module, entry.ensure, BAD_CERTIFICATE));
        break;
      case 'revocation':
        revocation = compileRevocation(build, module, entry);
        if (revocation.feed !== null) ensure.push(notInFeed(build, revocation, entry.from.span));
    }
  }
  if (trust.length === 0 && !build.report.hasErrors) {
    const message = `\`client_cert ${mode}\` trusts no certificate authority, so no certificate is ever good`;
    build.report.error('PDL-C001', section.mode.span, message, 'add `trust [ NAME ]` with a declared `ca`');
  }
  return { mode, trust, depth, ensure, revocation };
}

function compileRevocation(
  build: Build,
  module: Module,
  entry: Extract<SectionOf<'client_cert'>['entries'][number], { kind: 'revocation' }>,
): NonNullable<ClientCertificate['revocation']> {
  const { source, from } = entry;
  const onUnknown = entry.onUnknown ?? 'refuse';
  const isName = from.kind === 'name';
  if (isName !== (source === 'feed')) {
    const help = source === 'feed' ? 'name a declared feed' : 'write a path or address in double quotes';
    build.report.error('PDL-Y002', from.span, `\`revocation ${source}\` needs something else here`, help);
    return { source, from: from.text, declaredIn: module.file.path, feed: null, onUnknown };
  }
  if (source === 'ocsp' && !/^https?:\/\//.test(from.text)) {
    const help = 'write the responder’s address, such as "http://ocsp.example/"';
    build.report.error('PDL-Y002', from.span, '`revocation ocsp` needs an address of http', help);
  }
  const found = isName ? lookup(module, ['feed'], from, build.report) : null;
  if (found !== null && found.node.type.text !== 'fingerprint') {
    const message = `\`${from.text}\` holds values of type ${found.node.type.text}, and certificates are told by fingerprint`;
    build.report.error('PDL-Y005', from.span, message, 'use a feed of fingerprint');
  }
  const feed = found === null ? null : compileFeed(build, found);
  const name = found === null ? from.text : fullName(found);
  return { source, from: name, declaredIn: module.file.path, feed, onUnknown };
}

/** A feed of revoked certificates is a demand like others: not to be in it. */
function notInFeed(
  build: Build,
  { from, feed, onUnknown }: NonNullable<ClientCertificate['revocation']>,
  span: Span,
): Ensure {
  const table = build.table({ kind: 'hash', feed: feed! }, span);
  const isListed = atom({ kind: 'table', operand: { fact: FINGERPRINT }, table });
  const owner = '`revocation feed`';
  return {
    violated: build.condition(isListed, owner, span),
    met: onUnknown === 'accept' ? ALWAYS : build.condition(not(isListed), owner, span),
    text: `revocation feed ${from}`,
    otherwise: { action: 'refuse', alert: 'certificate_revoked' },
    span,
  };
}

const METHODS = ['totp', 'webauthn', 'oidc', 'client_cert'] as const;
const DEFAULT_WITHIN_MS = 15 * 60_000;

export function compileAuthentication(build: Build, section: SectionOf<'authenticate'>): Authentication {
  const { report } = build;
  build.need('PDL-X023', section.span, '`authenticate` is', 'remove it, and ask for the factor upstream');
  const methods = section.methods.flatMap(({ method, provider }) => {
    const known = METHODS.find((each) => each === method.text);
    if (known === undefined) {
      const help = suggest(method.text, METHODS, `write ${METHODS.join(', ')}`);
      report.error('PDL-N007', method.span, `there is no factor called \`${method.text}\``, help);
      return [];
    }
    if (known === 'oidc' && provider === null) {
      report.error(
        'PDL-P006',
        method.span,
        '`oidc` does not say with whom',
        'write `oidc NAME`, a provider of sallyport.yaml',
      );
    }
    return [{ method: known, provider: provider?.text ?? null }];
  });
  if (section.methods.length === 0) {
    report.error(
      'PDL-P006',
      section.span,
      '`authenticate` names no method',
      'add `methods [ totp ]` or others',
    );
  }
  const withinMs = section.within === null ? DEFAULT_WITHIN_MS : millisecondsOf(section.within.text);
  return { methods, withinMs };
}
