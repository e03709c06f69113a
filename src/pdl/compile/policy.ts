/** Policies: what a chain of `extends` says, merged. Scalars replace; lists replace, append or remove. */

import { checkTlsProfile, type TlsPlace } from '../check/tls-check.ts';
import type { Policy, Span, TlsProfile, Verdict } from '../ir.ts';
import type {
  ExtensionEntry,
  LockableEntry,
  Name,
  PolicyNode,
  Section,
  TlsEntry,
  Value,
} from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { challengeOf } from './challenge.ts';
import {
  applyExtensions,
  compileAuthentication,
  compileClientCertificate,
  compileEnsure,
  type Demands,
} from './demands.ts';
import { type Found, fullName, lookup, type Module } from './modules.ts';
import { compileLimit, compileVerdict, entriesOf } from './source.ts';
import { terminationEntries } from './termination.ts';
import { bytesOf, integerOf, millisecondsOf, tlsVersionOf } from './units.ts';
import { readValue, resolveItems, type ValueType } from './values.ts';

const TLS12 = 0x0303;
const TLS13 = 0x0304;
const LIST_TYPES: Readonly<Record<string, ValueType>> = {
  ciphers: 'cipher',
  groups: 'group',
  sigalgs: 'sigalg',
  alpn: 'alpn',
};

/** A profile while parents and children add to it. */
interface Draft {
  verdict: Verdict;
  tls: { -readonly [K in keyof TlsProfile]: TlsProfile[K] };
  handshake: { -readonly [K in keyof Policy['handshake']]: Policy['handshake'][K] };
  challenge: number | null;
  limits: readonly number[];
  log: Policy['log'];
  rank: number;
  demands: Demands;
  /** Where the entries of `tls` that hold were written. */
  readonly places: Map<string, TlsPlace>;
  /** Where each locked entry was locked, and its text there. */
  readonly locked: Map<string, { span: Span; text: string }>;
}

/** What holds where no policy of the chain says anything. */
function emptyDraft(): Draft {
  return {
    verdict: { action: 'accept' },
    tls: {
      minVersion: TLS12,
      maxVersion: TLS13,
      ciphers: [],
      groups: [],
      sigalgs: [],
      alpn: [],
      prefer: 'client',
      tickets: true,
      ocspStapling: false,
      certificate: null,
    },
    handshake: {
      timeoutMs: 10_000,
      helloTimeoutMs: 5000,
      idleMs: null,
      maxHelloBytes: 16_384,
      maxInflight: null,
    },
    challenge: null,
    limits: [],
    log: { mode: 'all', percent: 100 },
    rank: 0,
    demands: {},
    places: new Map(),
    locked: new Map(),
  };
}

/** Index of the policy a name means; 0 after a report. */
export function compilePolicy(build: Build, module: Module, name: Name): number {
  const found = lookup(module, ['policy'], name, build.report);
  if (found === null) return 0;
  if (found.node.abstract) {
    const message = `policy \`${name.text}\` is abstract: it is there to be extended, not used`;
    const help = `declare \`policy my_${found.node.name.text} extends ${name.text} { }\` and use that`;
    build.report.error('PDL-P010', name.span, message, help);
    return 0;
  }
  return policyIndex(build, found);
}

export function policyIndex(build: Build, found: Found<PolicyNode>): number {
  build.used.add(found.node);
  return build.policies.index(found.node, () => makePolicy(build, found));
}

/** Merges and checks an abstract policy without giving it a place in the program. */
export function checkAbstractPolicy(build: Build, found: Found<PolicyNode>): void {
  for (const link of chainOf(build, found)) applyPolicy(build, link, emptyDraft());
}

function makePolicy(build: Build, found: Found<PolicyNode>): Policy {
  const draft = emptyDraft();
  const before = build.report.errorCount;
  const chain = chainOf(build, found);
  build.demanded = [];
  for (const link of chain) applyPolicy(build, link, draft);
  const unharmed = build.report.errorCount === before && !chain.some((link) => link.node.damaged);
  const { verdict, tls, handshake, challenge, limits, log, rank, demands } = draft;
  if (verdict.action === 'accept' && unharmed) {
    checkTlsProfile(build.report, found.node, tls, draft.places, build.target);
  }
  const policy: Policy = {
    ...{ name: fullName(found), rank, verdict, tls, handshake, challenge, limits, log },
    ...demands,
  };
  build.origins.policies.set(policy, found.node);
  build.origins.demands.set(policy, build.demanded);
  build.origins.termination.set(policy, terminationEntries(chain, policy));
  return policy;
}

/** The policy and its ancestors, the eldest first. */
function chainOf(build: Build, found: Found<PolicyNode>): Found<PolicyNode>[] {
  const chain = [found];
  for (let link = found; link.node.parent !== null; ) {
    const parent = lookup(link.module, ['policy'], link.node.parent, build.report);
    if (parent === null) break;
    if (chain.some((earlier) => earlier.node === parent.node)) {
      const message = `policy \`${link.node.name.text}\` extends itself`;
      build.report.error('PDL-N009', link.node.parent.span, message, 'break the circle');
      break;
    }
    if (build.isTooDeep(chain.length, link.node.parent.span)) break;
    build.used.add(parent.node);
    chain.unshift(parent);
    link = parent;
  }
  return chain;
}

function applyPolicy(build: Build, { node, module }: Found<PolicyNode>, draft: Draft): void {
  entriesOf(
    build,
    node.sections
      .map((section) => ({ key: section.kind, span: section.span }))
      .filter(({ key }) => key !== 'ensure'),
  );
  for (const section of node.sections) applySection(build, module, section, draft);
}

function applySection(build: Build, module: Module, section: Section, draft: Draft): void {
  switch (section.kind) {
    case 'action':
      draft.verdict = compileVerdict(build, section.verdict);
      break;
    case 'tls':
      entriesOf(build, section.entries);
      for (const entry of section.entries) {
        if (!lock(build, draft, 'tls', entry)) continue;
        draft.places.set(entry.key, placeOf(entry));
        applyTls(build, module, entry, draft.tls);
      }
      break;
    case 'handshake':
      entriesOf(build, section.entries);
      for (const entry of section.entries) {
        if (lock(build, draft, 'handshake', entry)) applyHandshake(entry, draft.handshake);
      }
      break;
    case 'challenge':
      draft.challenge = section.name.text === 'none' ? null : challengeOf(build, module, section.name);
      break;
    case 'limits':
      draft.limits = section.list.items.flatMap((item) => limitOf(build, module, item) ?? []);
      break;
    case 'log': {
      const percent = section.percent === null ? 100 : Number.parseFloat(section.percent.text);
      draft.log = { mode: section.mode as Policy['log']['mode'], percent };
      break;
    }
    case 'rank':
      draft.rank = integerOf(section.value.text);
      break;
    case 'extensions': {
      entriesOf(
        build,
        section.entries.filter(({ key }) => key !== 'send'),
      );
      for (const entry of section.entries) {
        const free = entry.key === 'send' || lock(build, draft, 'extensions', entry as ExtensionEntry);
        if (free) applyExtensions(build, module, entry, draft.demands);
      }
      break;
    }
    case 'ensure':
      draft.demands.ensure = [...(draft.demands.ensure ?? []), compileEnsure(build, module, section.ensure)];
      break;
    case 'client_cert': {
      const { clientCert: _, ...others } = draft.demands;
      const clientCert = compileClientCertificate(build, module, section);
      draft.demands = clientCert === undefined ? others : { ...others, clientCert };
      break;
    }
    case 'authenticate':
      draft.demands.authenticate = compileAuthentication(build, section);
      break;
    case 'upstream':
      draft.demands.upstream = section.name.text;
  }
}

/** Index of the limit that an item of a `limits` list names. */
export function limitOf(build: Build, module: Module, item: Value): number | null {
  const found = lookup(module, ['limit'], { text: item.text, span: item.span }, build.report);
  return found === null ? null : compileLimit(build, found);
}

/** False when an ancestor locked the entry to something else, which is reported. */
function lock(build: Build, draft: Draft, section: string, entry: LockableEntry | TlsEntry): boolean {
  const key = `${section}.${entry.key}`;
  const operator = 'operator' in entry ? entry.operator : null;
  const text = `${operator ?? ''} ${entry.values.map((value) => value.text).join(' ')}`;
  const earlier = draft.locked.get(key);
  if (earlier !== undefined && earlier.text !== text) {
    const label = { span: earlier.span, text: 'locked here' };
    const message = `\`${entry.key}\` is locked by a policy this one extends`;
    build.report.error('PDL-P003', entry.span, message, 'remove it, or extend another policy', {
      labels: [label],
    });
    return false;
  }
  if (entry.locked) draft.locked.set(key, { span: entry.span, text });
  return true;
}

/** The place of an entry, and of its values alone. */
function placeOf({ span, values }: TlsEntry): TlsPlace {
  const [first, last] = [values[0]?.span ?? span, values.at(-1)?.span ?? span];
  const { endLine, endColumn } = last;
  return { entry: span, values: { ...first, endLine, endColumn } };
}

function applyTls(build: Build, module: Module, entry: TlsEntry, tls: Draft['tls']): void {
  const [first, second] = entry.values;
  switch (entry.key) {
    case 'versions':
      tls.minVersion = tlsVersionOf(first!.text);
      tls.maxVersion = tlsVersionOf(second!.text);
      if (tls.minVersion > tls.maxVersion) {
        build.report.error(
          'PDL-Y008',
          first!.span,
          'the range ends before it begins',
          'write the older version first',
        );
      } else if (tls.minVersion < TLS12) {
        const message = `\`${first!.text}\` is not supported: this edge speaks TLS 1.2 and 1.3`;
        build.report.error('PDL-X016', first!.span, message, 'write tls1.2 or tls1.3');
      }
      break;
    case 'prefer':
      tls.prefer = first!.text === 'server' ? 'server' : 'client';
      break;
    case 'tickets':
      tls.tickets = first!.text === 'on';
      break;
    case 'certificate':
      tls.certificate = first!.text;
      break;
    case 'ocsp_stapling':
      tls.ocspStapling = first!.text === 'on';
      break;
    case 'early_data':
    case 'renegotiation':
      if (first!.text === 'on') {
        const message = `\`${entry.key} on\` is not supported`;
        build.report.error('PDL-X016', entry.span, message, `write \`${entry.key} off\``);
      }
      break;
    default:
      applyList(build, module, entry, tls);
  }
}

function applyList(build: Build, module: Module, entry: TlsEntry, tls: Draft['tls']): void {
  const items = { kind: 'list' as const, items: entry.values, span: entry.span };
  const values = resolveItems(module, items).flatMap(
    (value) => readValue(module, value, LIST_TYPES[entry.key]!, build.report) ?? [],
  );
  const twice = entry.values.find(
    ({ text }, index) => entry.values.findIndex((other) => other.text === text) < index,
  );
  if (twice) {
    const help = 'remove one of them; the first place in the list is what counts';
    build.report.warning('PDL-T002', twice.span, `\`${twice.text}\` is listed twice`, help);
  }
  const merge = <T>(before: readonly T[], listed: readonly T[]): readonly T[] => {
    if (entry.operator === '-=') return before.filter((value) => !listed.includes(value));
    return [...new Set(entry.operator === '+=' ? [...before, ...listed] : listed)];
  };
  if (entry.key === 'alpn') tls.alpn = merge(tls.alpn, values as string[]);
  else {
    const key = entry.key as 'ciphers' | 'groups' | 'sigalgs';
    tls[key] = merge(tls[key], values as number[]);
  }
}

function applyHandshake(entry: LockableEntry, handshake: Draft['handshake']): void {
  const text = entry.values[0]!.text;
  switch (entry.key) {
    case 'timeout':
      handshake.timeoutMs = millisecondsOf(text);
      break;
    case 'hello_timeout':
      handshake.helloTimeoutMs = millisecondsOf(text);
      break;
    case 'idle':
      handshake.idleMs = millisecondsOf(text);
      break;
    case 'max_hello':
      handshake.maxHelloBytes = bytesOf(text);
      break;
    default:
      handshake.maxInflight = integerOf(text);
  }
}
