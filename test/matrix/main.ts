/**
 * Policy entries × real clients: what each of them negotiated, read off the wire by tshark. `npm run matrix` writes
 * docs/matrix.md; `npm run matrix -- --only curl` shows the clients whose name has the word. Some minutes, mostly for
 * the browsers. MATRIX_OPENSSL_35, MATRIX_NODE_20 and MATRIX_NODE_24 name
 * programs that are not usually there.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCapture, withoutCapture } from '../support/capture.ts';
import { makeCertificate } from '../support/certificate.ts';
import { startTestEdge } from '../support/edge.ts';
import { Cleanup } from './cleanup.ts';
import { type MatrixClient, matrixClients } from './clients.ts';
import { ENTRIES, hostOf, matrixPolicy } from './entries.ts';
import { readWire, type Seen, showSeen } from './wire.ts';

const PAGE = new URL('../../docs/matrix.md', import.meta.url);
const HEAD = `# What clients negotiate

For each client what came of a visit to a site with each entry of a policy; all sites are on one listener. The cells are
what tshark read of a capture: version, suite, group, the scheme that the server signed with (it has an ECDSA and an RSA
certificate), the protocol of ALPN, and tickets. Written by \`npm run matrix\`; do not edit.
`;

/** What one client negotiated, by entry. */
async function seenBy(
  client: MatrixClient,
  port: number,
  names: readonly string[],
): Promise<readonly (Seen | undefined)[]> {
  const cleanup = new Cleanup();
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-matrix-'));
  const keys = join(directory, 'keys.log');
  writeFileSync(keys, '');
  const capture = await startCapture(cleanup.context, port);
  const opened = new Cleanup();
  await client.visit({ hosts: names.map(hostOf), port, keys, cleanup: opened });
  await opened.run();
  capture.keylog(readFileSync(keys));
  const seen = await readWire(capture, port);
  await cleanup.run();
  rmSync(directory, { recursive: true });
  // why: a browser that dislikes a certificate at first gives its first connection up.
  return names.map((name) => {
    const visits = seen.filter((each) => each.name === hostOf(name));
    return visits.toSorted((a, b) => b.tickets - a.tickets)[0];
  });
}

function table(
  names: readonly string[],
  clients: readonly { name: string; cells: readonly (Seen | undefined)[] }[],
): string {
  return clients
    .map(({ name, cells }) => {
      const rows = names.map((entry, i) => `| ${entry} | ${showSeen(cells[i])} |`);
      return `## ${name}\n\n| entry | on the wire |\n|---|---|\n${rows.join('\n')}\n`;
    })
    .join('\n');
}

function entriesTable(): string {
  const rows = Object.entries(ENTRIES).map(
    ([name, { parent, text }]) =>
      `| ${name} | \`extends tls.${parent}\` ${text === '' ? '' : `\`${text.replaceAll(/\s+/g, ' ')}\``} |`,
  );
  return `## Entries\n\n| entry | policy |\n|---|---|\n${rows.join('\n')}\n`;
}

const reason = await withoutCapture();
if (reason) throw new Error(reason);
const only = process.argv.includes('--only') ? process.argv.at(-1)! : '';
const names = Object.keys(ENTRIES);
const cleanup = new Cleanup();
const rsa = await makeCertificate({ names: ['*.localhost', ...names.map(hostOf)], kind: 'rsa' });
const ecdsa = await makeCertificate({ names: ['*.localhost', ...names.map(hostOf)] });
const edge = await startTestEdge(cleanup.context, {
  policy: matrixPolicy(),
  certificates: { rsa, ecdsa },
  listener: { certificates: ['ecdsa', 'rsa'] },
});
const columns: { name: string; cells: readonly (Seen | undefined)[] }[] = [];
for (const client of matrixClients(process.env)) {
  if (!client.name.includes(only)) continue;
  const absent = await client.absent();
  if (absent) {
    console.log(`${client.name} is left out: ${absent}`);
    continue;
  }
  const cells = await seenBy(client, edge.port, names);
  columns.push({ name: client.name, cells });
  console.log(table(names, columns.slice(-1)));
}
await cleanup.run();
if (only === '') writeFileSync(PAGE, `${HEAD}\n${entriesTable()}\n${table(names, columns)}`);
