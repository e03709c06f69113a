/** The sections of docs/matrix.md. */
import { CIPHER_NAMES, GROUP_NAMES } from '../../src/pdl/registry/iana.ts';
import { ENTRIES } from './entries.ts';
import type { View } from './scanners.ts';
import { type Seen, showSeen } from './wire.ts';

export const HEAD = `# What clients negotiate

For each client what came of a visit to a site with each entry of a policy; all sites are on one listener. The cells are
what tshark read of a capture: version, suite, group, the scheme that the server signed with (it has an ECDSA and an RSA
certificate), the protocol of ALPN, whether a certificate was asked for, tickets, own extensions, and the alert that
ended it. No client has a certificate. At the end: what scanners say of each site. Written by \`npm run matrix\`; do not
edit.
`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return [line(head), `|${'---|'.repeat(head.length)}\n`, ...rows.map(line)].join('');
}

export function entriesTable(): string {
  const rows = Object.entries(ENTRIES).map(([name, { parent, text }]) => {
    const own = text === '' ? '' : ` \`${text.replaceAll(/\s+/g, ' ')}\``;
    return [name, `\`extends tls.${parent}\`${own}`];
  });
  return `## Entries\n\n${table(['entry', 'policy'], rows)}`;
}

export function clientTable(
  name: string,
  entries: readonly string[],
  cells: readonly (Seen | undefined)[],
): string {
  const rows = entries.map((entry, i) => [entry, showSeen(cells[i])]);
  return `## ${name}\n\n${table(['entry', 'on the wire'], rows)}`;
}

function names(table: ReadonlyMap<number, string>, codes: readonly number[] | null): string {
  return (
    (codes ?? []).map((code) => (table.get(code) ?? String(code)).replace(/^TLS_/, '')).join(' ') || 'none'
  );
}

function suitesOf({ suites }: View): string {
  const each = Object.entries(suites).map(([version, codes]) => `${version}: ${names(CIPHER_NAMES, codes)}`);
  return each.join('<br>') || 'none';
}

function orderOf({ serverOrder }: View): string {
  if (serverOrder === null) return 'not told';
  return serverOrder ? 'the server’s' : 'the client’s';
}

/** What a scanner does not tell of any entry has no column. */
export function scannerTable(name: string, entries: readonly string[], views: readonly View[]): string {
  const tellsOrder = views.some(({ serverOrder }) => serverOrder !== null);
  const tellsAlpn = views.some(({ alpn }) => alpn !== null);
  const row = (entry: string, view: View): string[] => [
    entry,
    view.versions.join(', ') || 'none',
    suitesOf(view),
    names(GROUP_NAMES, view.groups),
    ...(tellsOrder ? [orderOf(view)] : []),
    ...(tellsAlpn ? [view.alpn?.join(', ') || 'none'] : []),
  ];
  const head = ['entry', 'TLS', 'suites, the one chosen first in front', 'groups'];
  const rows = entries.map((entry, i) => row(entry, views[i]!));
  const more = [...(tellsOrder ? ['order'] : []), ...(tellsAlpn ? ['ALPN'] : [])];
  return `## ${name}\n\n${table([...head, ...more], rows)}`;
}
