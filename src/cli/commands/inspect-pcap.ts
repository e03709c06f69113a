/** `sallyport inspect pcap`: the TLS connections in a capture file. */

import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { type CaptureCounts, TlsConnections } from '../../pcap/connections.ts';
import { CaptureError, CaptureReader } from '../../pcap/container.ts';
import { ClientMatcher } from '../../profile/client-matcher.ts';
import { loadClients } from '../../profile/clients.ts';
import { StackMatcher } from '../../profile/stack-matcher.ts';
import { loadStacks, OWN_STACKS } from '../../profile/stacks.ts';
import { CaptureDesk, tableHead, tableRow } from '../capture-desk.ts';
import { type DatabaseFlags, openDatabases } from '../databases.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, type Format, printDiagnostics, useColor } from '../output.ts';
import { Progress } from '../progress.ts';
import { painter } from '../style.ts';
import { openDesk } from './decide.ts';

export interface CaptureOptions extends DatabaseFlags {
  readonly policy?: string;
  readonly site?: string;
  readonly p0fDb?: string;
  readonly clientTable?: string;
  readonly format?: Format;
}

const CHUNK = 1024 * 1024;

/** Exit code 1 when the file is damaged or the policy has errors; what came before the damage is shown. */
export async function inspectPcap(file: string, options: CaptureOptions): Promise<number> {
  const databases = openDatabases(options);
  const { stacks, diagnostics } = loadStacks(options.p0fDb ?? OWN_STACKS);
  printDiagnostics(diagnostics, new Map(), 'human');
  const { table, diagnostics: tableProblems } = loadClients(options.clientTable ?? null);
  printDiagnostics(tableProblems, new Map(), 'human');
  if (stacks === null || table === null) return EXIT.problem;
  const desk =
    options.policy === undefined ? null : openDesk(options.policy, options.site ?? null, databases);
  if (options.policy !== undefined && desk === null) return EXIT.problem;
  const capture = new CaptureDesk({
    matcher: new StackMatcher(stacks),
    clients: new ClientMatcher(table),
    databases,
    desk,
  });
  const isHuman = chooseFormat(options.format) === 'human';
  const paint = painter(useColor(process.stdout));
  if (isHuman) process.stdout.write(`${tableHead(paint, desk !== null)}\n`);
  const size = file === '-' ? 0 : sizeOf(file);
  const progress = new Progress(`MiB of ${file}`, Math.ceil(size / CHUNK));
  let rows = 0;
  const connections = new TlsConnections({
    parse: (bytes, length) => capture.parse(bytes, length),
    found: (beginning) => {
      const row = capture.describe(beginning);
      rows++;
      // why: on a terminal the row takes the place of the bar.
      if (process.stdout.isTTY) progress.end();
      process.stdout.write(`${isHuman ? tableRow(row, paint) : JSON.stringify(row)}\n`);
    },
  });
  const problem = await readCapture(file, connections, progress);
  connections.end();
  if (isHuman) process.stderr.write(summary(connections.counts, rows));
  for (const [type, packets] of connections.counts.foreignLinks) {
    process.stderr.write(`sallyport: ${packets} packets of link type ${type} cannot be read\n`);
  }
  if (problem === null) return EXIT.ok;
  process.stderr.write(`sallyport: ${file}: ${problem.message}\n`);
  return EXIT.problem;
}

/** Streams the file through; answers what is wrong with it. @throws CliError when it cannot be opened. */
async function readCapture(
  file: string,
  connections: TlsConnections,
  progress: Progress,
): Promise<CaptureError | null> {
  const reader = new CaptureReader();
  const input = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK });
  try {
    for await (const chunk of input) {
      reader.push(chunk as Buffer, (packet) => connections.take(packet));
      if (file !== '-') progress.step();
      // why: whoever reads the answers may be slower than the disk.
      if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
    }
    reader.end();
    return null;
  } catch (error) {
    if (error instanceof CaptureError) return error;
    throw unreadable(file, error as NodeJS.ErrnoException);
  } finally {
    progress.end();
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    throw unreadable(file, error as NodeJS.ErrnoException);
  }
}

function unreadable(file: string, error: NodeJS.ErrnoException): CliError {
  if (error.code === undefined) throw error;
  return new CliError(`${file} cannot be read (${error.code})`);
}

function fragmentNotes({ seen, joined, refused, lost }: CaptureCounts['fragments']): string[] {
  return [
    ...(seen > 0 ? [`${seen} IP fragments made ${joined} packets`] : []),
    ...(refused > 0 ? [`${refused} packets refused, whose fragments overlap or do not fit`] : []),
    ...(lost > 0 ? [`${lost} packets given up, for fragments that did not come`] : []),
  ];
}

function summary({ packets, connections, fragments, givenUp }: CaptureCounts, rows: number): string {
  const notes = [
    `${rows} TLS of ${connections} TCP connections in ${packets} packets`,
    ...fragmentNotes(fragments),
    ...(givenUp > 0 ? [`${givenUp} connections given up (gaps, or too many at once)`] : []),
  ];
  return `${notes.join('; ')}\n`;
}
