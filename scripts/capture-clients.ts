/** Runs the TLS clients of this machine against a listener on the loopback, and takes their hellos into the table. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { Progress } from '../src/cli/progress.ts';
import { ClientMatcher } from '../src/profile/client-matcher.ts';
import { type ClientRow, OWN_CLIENTS, readClients } from '../src/profile/clients.ts';
import { type Installed, installed, PROGRAMS, searchPath } from './capture/list.ts';
import { type CaptureListener, startListener } from './capture/listener.ts';
import { commentsOf, formatTable, mergeRows } from './capture/merge.ts';
import { type Named, reportPage, wrongOf } from './capture/report.ts';
import { readSignatures } from './capture/signatures.ts';

/** A command line has so long; a browser is ended after its time. */
const RUN_MS = 30_000;
const BROWSER_MS = 8_000;
/** Different hellos kept of one client: scanners send dozens. */
const MAX_HELLOS = 32;

interface Options {
  readonly output: string;
  readonly path: readonly string[];
  readonly signatures?: string;
  readonly report?: string;
  readonly dryRun?: true;
}

const HOSTS = fileURLToPath(new URL('../test/hosts/node_modules/.bin', import.meta.url));
const BIN = fileURLToPath(new URL('../node_modules/.bin', import.meta.url));

const program = new Command('capture-clients')
  .description(
    'Captures the ClientHellos of the TLS clients that are installed, for the table that names clients.',
  )
  .argument('[names...]', 'clients to capture, as they are called in scripts/capture/clients.yaml; none: all')
  .option('--output <file>', 'the table to add to', OWN_CLIENTS)
  .option('--path <directories...>', 'directories to look for executables in, before those of PATH', [])
  .option('--signatures <directory>', "browsers' signatures as curl-impersonate keeps them, taken in as well")
  .option(
    '--report <file>',
    'look the hellos up in the table as it stands, say so in that page, and add nothing',
  )
  .option('--dry-run', 'print what was captured and write nothing')
  .addHelpText(
    'after',
    `
Examples:
  npm run capture-clients
  npm run capture-clients -- curl Firefox --dry-run
  npm run capture-clients -- Node.js --path /opt/node-20/bin /opt/node-24/bin
  npm run capture-clients -- --output /etc/sallyport/clients.tsv
  npm run capture-clients -- --report docs/clients.md

Rows of the same program, library and hello become one with all the versions seen.`,
  );

async function capture(listener: CaptureListener, client: Installed): Promise<readonly ClientRow[]> {
  const hellos = new Map<string, string>();
  listener.onHello(({ ja4, stable }) => {
    if (hellos.size < MAX_HELLOS) hellos.set(ja4, stable);
  });
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-client-'));
  for (const line of client.run) await run(line, client, listener, directory);
  listener.onHello(null);
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  const { name, label, kind, library, version } = client;
  const seen = new Date().toISOString().slice(0, 10);
  const source = `captured from ${label} on ${process.platform}`;
  return [...hellos].map(([ja4, stable]) => ({
    ja4,
    name,
    kind,
    versions: version,
    library,
    seen,
    stable,
    source,
  }));
}

/** Runs a command line to its end, and ends all it started when its time is over. */
async function run(
  line: string,
  client: Installed,
  { port, ca }: CaptureListener,
  directory: string,
): Promise<void> {
  const env = {
    ...process.env,
    CMD: client.executable,
    PROGRAMS,
    PORT: String(port),
    URL: `https://localhost:${port}/`,
    NAMED: 'https://shop.example/',
    CA: ca,
    DIR: directory,
  };
  const child = spawn('sh', ['-c', line], { env, stdio: 'ignore', detached: true });
  const end = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  const timer = setTimeout(end, client.kind === 'browser' && /--headless/.test(line) ? BROWSER_MS : RUN_MS);
  await once(child, 'close');
  clearTimeout(timer);
  end();
}

async function main(
  names: readonly string[],
  { output, path, signatures, report, dryRun }: Options,
): Promise<number> {
  const table = readTable(output);
  if (table === null) return 1;
  const clients = await installed(searchPath([...path, HOSTS, BIN]), names, (name, why) => {
    process.stderr.write(`without ${name}: ${why}\n`);
  });
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-capture-'));
  const listener = await startListener(directory);
  const progress = new Progress('clients', clients.length);
  const matcher = new ClientMatcher({ rows: table.rows, own: [] });
  const named: Named[] = [];
  const captured: ClientRow[] = signatures === undefined ? [] : [...readSignatures(signatures)];
  for (const client of clients) {
    const rows = await capture(listener, client);
    progress.step();
    const { label, library } = client;
    process.stderr.write(
      `${process.stderr.isTTY ? '\r\u001b[K' : ''}${label} (${library}): ${rows.length} hellos\n`,
    );
    captured.push(...rows);
    named.push({ client, matches: rows.map((row) => matcher.matchStable(row.ja4, row.stable!)) });
  }
  progress.end();
  listener.close();
  rmSync(directory, { recursive: true });
  if (report !== undefined) {
    writeFileSync(report, reportPage(readFileSync(report, 'utf8'), named));
    const wrong = named.reduce((sum, each) => sum + wrongOf(each), 0);
    process.stderr.write(`${wrong === 0 ? 'every hello was' : `${wrong} hellos were not`} called rightly\n`);
    return wrong === 0 ? 0 : 1;
  }
  if (dryRun) process.stdout.write(formatTable('', mergeRows([], captured)));
  else writeFileSync(output, formatTable(table.comments, mergeRows(table.rows, captured)));
  return 0;
}

/** The table so far; a file that is not there yet is an empty one. */
function readTable(file: string): { readonly comments: string; readonly rows: readonly ClientRow[] } | null {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { comments: '', rows: [] };
  }
  const { rows, diagnostics } = readClients(file);
  for (const { line, column, message, help } of diagnostics) {
    process.stderr.write(`${file}:${line}:${column}: ${message}; ${help}\n`);
  }
  return rows === null ? null : { comments: commentsOf(text), rows };
}

program.action(async (names: readonly string[], options: Options) => {
  process.exitCode = await main(names, options);
  // A browser that was ended may have left a connection.
  process.exit();
});
await program.parseAsync();
