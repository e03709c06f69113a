/** What a policy says that only an edge can do which ends the client's TLS itself. */
import type { Policy, Span } from '../ir.ts';
import type { PolicyNode, Section } from '../syntax/ast.ts';
import type { Found } from './modules.ts';

export interface TerminationEntry {
  /** As it is written: `tls ciphers`, `challenge`. */
  readonly what: string;
  readonly span: Span;
}

/** Entries of `handshake` that watch a handshake of the edge's own. */
const HANDSHAKE_ENTRIES: readonly string[] = ['timeout', 'max_inflight'];

/**
 * The entries of a policy and its ancestors, the eldest first, that hold in `policy`. The TLS profiles of `std/tls` are
 * left out: no policy accepts clients without one.
 */
export function terminationEntries(
  chain: readonly Found<PolicyNode>[],
  policy: Policy,
): readonly TerminationEntry[] {
  const found = new Map<string, TerminationEntry>();
  for (const { node, module } of chain) {
    for (const section of node.sections) {
      for (const entry of entriesOf(section, policy, module.isStd)) found.set(entry.what, entry);
    }
  }
  return [...found.values()];
}

function entriesOf(section: Section, policy: Policy, isStd: boolean): readonly TerminationEntry[] {
  const whole = (holds: boolean): TerminationEntry[] =>
    holds ? [{ what: section.kind, span: section.span }] : [];
  switch (section.kind) {
    case 'tls':
      return isStd ? [] : section.entries.map(({ key, span }) => ({ what: `tls ${key}`, span }));
    case 'handshake':
      return section.entries
        .filter(({ key }) => !isStd && HANDSHAKE_ENTRIES.includes(key))
        .map(({ key, span }) => ({ what: `handshake ${key}`, span }));
    case 'extensions':
      return section.entries
        .filter(({ key }) => key === 'send')
        .map(({ span }) => ({ what: 'extensions send', span }));
    case 'challenge':
      return whole(policy.challenge !== null);
    case 'client_cert':
      return whole(policy.clientCert !== undefined);
    case 'authenticate':
      return whole(policy.authenticate !== undefined);
    default:
      return [];
  }
}
