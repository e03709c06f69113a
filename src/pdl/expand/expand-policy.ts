/** A policy with everything it inherits, line by line: what a chain of `extends` comes to, and who said so. */
import { type Found, fullName, lookup } from '../compile/modules.ts';
import type { Report } from '../diagnostics/diagnostic.ts';
import type { Policy, Span } from '../ir.ts';
import type { ExtensionEntry, LockableEntry, PolicyNode, Section, TlsEntry } from '../syntax/ast.ts';
import { enforcementOf } from './enforcement.ts';
import { type Line, originOf, type Sources, textAfter, textOf } from './lines.ts';

const LISTS: readonly string[] = ['ciphers', 'groups', 'sigalgs', 'alpn'];

export interface ExpandedPolicy {
  readonly name: string;
  /** From the eldest ancestor to the parent. */
  readonly extends: readonly string[];
  readonly lines: readonly Line[];
}

export function expandPolicy(
  found: Found<PolicyNode>,
  compiled: Policy,
  sources: Sources,
  report: Report,
): ExpandedPolicy {
  const chain = chainOf(found, report);
  const lines = new PolicyLines(sources);
  for (const link of chain) {
    for (const section of link.node.sections) lines.apply(section, fullName(link));
  }
  lines.addDefaults(compiled);
  return {
    name: fullName(found),
    extends: chain.slice(0, -1).map((link) => fullName(link)),
    lines: lines.sorted(),
  };
}

/** The policy and its ancestors, the eldest first; the compiler has seen that it ends. */
function chainOf(found: Found<PolicyNode>, report: Report): Found<PolicyNode>[] {
  const chain = [found];
  for (let link = found; link.node.parent !== null; ) {
    const parent = lookup(link.module, ['policy'], link.node.parent, report);
    if (parent === null) break;
    chain.unshift(parent);
    link = parent;
  }
  return chain;
}

const ORDER: readonly string[] = [
  'action',
  'rank',
  'tls',
  'extensions',
  'handshake',
  'client_cert',
  'ensure',
  'limits',
  'challenge',
  'authenticate',
  'upstream',
  'log',
];

/** Lines while parents and children add to them; one line for each entry, and for each item of a list. */
class PolicyLines {
  readonly #sources: Sources;
  readonly #lines = new Map<string, Line[]>();

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  apply(section: Section, owner: string): void {
    switch (section.kind) {
      case 'tls':
        for (const entry of section.entries) this.#applyTls(entry, owner);
        break;
      case 'handshake':
        for (const entry of section.entries) this.#set('handshake', entry.key, entry, owner);
        break;
      case 'extensions':
        for (const entry of section.entries) {
          if (entry.key === 'send') this.#add('extensions', 'send', entry.span, owner);
          else this.#applyExtension(entry as ExtensionEntry, owner);
        }
        break;
      case 'ensure':
        this.#add('ensure', '', section.span, owner);
        break;
      case 'client_cert':
        this.#applyCertificate(section, owner);
        break;
      default:
        this.#set(section.kind, '', section, owner);
    }
  }

  /** What holds where nothing is written, as the compiler has it. */
  addDefaults({ verdict, tls, handshake, log, challenge }: Policy): void {
    const set = (section: string, key: string, text: string): void => {
      if (this.#lines.has(`${section} ${key}`)) return;
      this.#put({ section, key, text, origin: null, enforced: enforcementOf(section, key, text) });
    };
    const version = (code: number): string => `tls1.${code - 0x0301}`;
    set('action', '', verdict.action);
    set('rank', '', '0');
    set('tls', 'versions', `${version(tls.minVersion)}..${version(tls.maxVersion)}`);
    set('tls', 'prefer', tls.prefer);
    set('tls', 'tickets', tls.tickets ? 'on' : 'off');
    set('tls', 'ocsp_stapling', tls.ocspStapling ? 'on' : 'off');
    set('handshake', 'timeout', `${handshake.timeoutMs / 1000}s`);
    if (challenge === null) set('challenge', '', 'none');
    set('log', '', log.mode);
  }

  sorted(): Line[] {
    const all = [...this.#lines.values()].flat();
    return all.toSorted((a, b) => ORDER.indexOf(a.section) - ORDER.indexOf(b.section));
  }

  #applyTls(entry: TlsEntry, owner: string): void {
    const key = `tls ${entry.key}`;
    if (!LISTS.includes(entry.key)) return this.#set('tls', entry.key, entry, owner);
    const before = entry.operator === '+=' || entry.operator === '-=' ? (this.#lines.get(key) ?? []) : [];
    const items = entry.values.map(({ span }) => this.#line('tls', entry.key, span, owner));
    const texts = items.map(({ text }) => text);
    const kept = before.filter(({ text }) => !(entry.operator === '-=' && texts.includes(text)));
    const added = entry.operator === '-=' ? [] : items;
    const fresh = added.filter(({ text }) => !kept.some((line) => line.text === text));
    this.#lines.set(key, [...kept, ...fresh]);
  }

  /** The verdict stands behind the entry's own text. */
  #applyExtension(entry: ExtensionEntry, owner: string): void {
    const line = this.#line('extensions', entry.key, entry.span, owner);
    const verdict = entry.otherwise === null ? '' : textOf(this.#sources, entry.otherwise.span);
    const isThere = verdict === '' || line.text.endsWith(verdict);
    this.#lines.set(`extensions ${entry.key}`, [
      isThere ? line : { ...line, text: `${line.text} else ${verdict}` },
    ]);
  }

  /** Replaces all of what an ancestor says of certificates. */
  #applyCertificate(section: Extract<Section, { kind: 'client_cert' }>, owner: string): void {
    for (const key of [...this.#lines.keys()]) {
      if (key.startsWith('client_cert ')) this.#lines.delete(key);
    }
    const mode = { text: section.mode.text, span: section.mode.span };
    this.#put({ ...this.#line('client_cert', '', mode.span, owner), text: mode.text });
    for (const entry of section.entries) this.#add('client_cert', entry.kind, entry.span, owner);
  }

  #set(
    section: string,
    key: string,
    entry: Pick<LockableEntry, 'span'> & { readonly locked?: boolean },
    owner: string,
  ): void {
    this.#lines.delete(`${section} ${key}`);
    this.#add(section, key, entry.span, owner);
  }

  #add(section: string, key: string, span: Span, owner: string): void {
    this.#put(this.#line(section, key, span, owner));
  }

  #put(line: Line): void {
    const key = `${line.section} ${line.key}`;
    this.#lines.set(key, [...(this.#lines.get(key) ?? []), line]);
  }

  #line(section: string, key: string, span: Span, owner: string): Line {
    const text = key === '' ? textAfter(this.#sources, span, section) : this.#entryText(span, key);
    return { section, key, text, origin: originOf(owner, span), enforced: enforcementOf(section, key, text) };
  }

  /** An entry without its key; items of a list have none. */
  #entryText(span: Span, key: string): string {
    return LISTS.includes(key) ? textOf(this.#sources, span) : textAfter(this.#sources, span, key);
  }
}
