/**
 * Policy entries × real clients: what each of them negotiated, read off the wire by tshark, and what scanners say of each
 * entry. `npm run matrix` writes docs/matrix.md; `npm run matrix -- --only curl` shows the clients and scanners whose name
 * has the word. Ends with 1 where a scanner sees something else than a policy says. Some minutes, mostly for testssl.sh and the browsers. MATRIX_OPENSSL_35, MATRIX_NODE_20 and
 * MATRIX_NODE_24 name programs that are not usually there.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCapture, withoutCapture } from '../support/capture.ts';
import { missing } from '../support/tools.ts';
import { Cleanup } from './cleanup.ts';
import { type MatrixClient, matrixClients } from './clients.ts';
import { compiledEntries, startMatrixEdge } from './edge.ts';
import { ENTRIES, hostOf } from './entries.ts';
import { assertSees, isChoosy, type Scanner } from './expected.ts';
import { clientTable, entriesTable, HEAD, scannerTable } from './page.ts';
import { sslscan, testssl, type View } from './scanners.ts';
import { readWire, type Seen } from './wire.ts';

const PAGE = new URL('../../docs/matrix.md', import.meta.url);
const NAMES = Object.keys(ENTRIES);
/** Runs of testssl.sh at once: each of them mostly waits. */
const SIDE_BY_SIDE = 3;

const SCANNERS: readonly {
  readonly name: Scanner;
  readonly program: string;
  readonly look: (host: string, port: number) => Promise<View>;
}[] = [
  { name: 'sslscan', program: 'sslscan', look: sslscan },
  { name: 'testssl.sh', program: 'testssl', look: testssl },
];

/** What one client negotiated, by entry. */
async function seenBy(client: MatrixClient, port: number): Promise<readonly (Seen | undefined)[]> {
  const cleanup = new Cleanup();
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-matrix-'));
  const keys = join(directory, 'keys.log');
  writeFileSync(keys, '');
  const capture = await startCapture(cleanup.context, port);
  const opened = new Cleanup();
  await client.visit({ hosts: NAMES.map(hostOf), port, keys, cleanup: opened });
  await opened.run();
  capture.keylog(readFileSync(keys));
  const seen = await readWire(capture, port);
  await cleanup.run();
  rmSync(directory, { recursive: true });
  // why: a browser that dislikes a certificate at first gives its first connection up.
  return NAMES.map((name) => {
    const visits = seen.filter((each) => each.name === hostOf(name));
    return visits.toSorted((a, b) => b.tickets - a.tickets)[0];
  });
}

/** What a scanner says, by entry. */
async function viewsOf(look: (typeof SCANNERS)[number]['look'], port: number): Promise<readonly View[]> {
  const views: View[] = [];
  const waiting = [...NAMES.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, name] = next;
      views[i] = await look(hostOf(name), port);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  return views;
}

/** Says where a scanner sees something else than the policy says, and has the program end with 1. */
function compare(scanner: Scanner, views: readonly View[]): void {
  for (const [i, [entry, policy]] of [...compiledEntries()].entries()) {
    if (isChoosy(policy)) continue;
    try {
      assertSees(views[i]!, policy, scanner, entry);
    } catch (error) {
      console.error((error as Error).message);
      process.exitCode = 1;
    }
  }
}

const reason = await withoutCapture();
if (reason) throw new Error(reason);
const only = process.argv.includes('--only') ? process.argv.at(-1)! : '';
const cleanup = new Cleanup();
const { port } = await startMatrixEdge(cleanup.context);
const sections: string[] = [];
const add = (section: string): void => {
  sections.push(section);
  console.log(section);
};
for (const client of matrixClients(process.env)) {
  if (!client.name.includes(only)) continue;
  const absent = await client.absent();
  if (absent) console.log(`${client.name} is left out: ${absent}`);
  else add(clientTable(client.name, NAMES, await seenBy(client, port)));
}
for (const { name, program, look } of SCANNERS) {
  if (!name.includes(only)) continue;
  const absent = await missing(program);
  if (absent) console.log(`${name} is left out: ${absent}`);
  else {
    const views = await viewsOf(look, port);
    add(scannerTable(name, NAMES, views));
    compare(name, views);
  }
}
await cleanup.run();
if (only === '') writeFileSync(PAGE, `${HEAD}\n${entriesTable()}\n${sections.join('\n')}`);
