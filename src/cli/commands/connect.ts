/** `sallyport connect`: a TLS client that solves puzzles, and says what was negotiated and what it cost. */
import { readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { TLSSocket } from 'node:tls';
import { parseAddress } from '../../config/address.ts';
import { parseDuration } from '../../config/duration.ts';
import { type Connected, type ConnectOptions, connect as connectTls } from '../../library/connect.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, type Format } from '../output.ts';
import { SearchProgress } from '../search-progress.ts';

export interface ConnectFlags {
  readonly servername?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly alpn?: string;
  readonly insecure?: true;
  readonly pipe?: true;
  readonly maxDifficulty: string;
  readonly puzzleExtension: string;
  readonly timeout: string;
  readonly format?: Format;
}

/** Exit code 1 when no connection came about, or a piped one broke. */
export async function connect(target: string, flags: ConnectFlags): Promise<number> {
  const options = readOptions(target, flags);
  const progress = new SearchProgress();
  let connected: Connected;
  try {
    connected = await connectTls({ ...options, onProgress: (puzzle, tries) => progress.show(puzzle, tries) });
  } catch (error) {
    throw new CliError(`cannot connect to ${target}: ${(error as Error).message}`);
  } finally {
    progress.end();
  }
  const { socket } = connected;
  // why: with --pipe standard output is the server's.
  const out = flags.pipe ? process.stderr : process.stdout;
  const format = flags.pipe ? (flags.format ?? 'human') : chooseFormat(flags.format);
  const report = describe(target, connected);
  out.write(format === 'json' ? `${JSON.stringify(report)}\n` : `${humanReport(report)}\n`);
  if (flags.pipe) return pipe(socket);
  socket.destroy();
  return EXIT.ok;
}

function readOptions(target: string, flags: ConnectFlags): ConnectOptions {
  const address = parseAddress(target);
  if (address === null || address.port === 0) {
    throw new CliError(`not an address: ${target}; write example.com:443 or [::1]:8443`, EXIT.usage);
  }
  const timeoutMs = parseDuration(flags.timeout);
  if (timeoutMs === null || timeoutMs < 1) {
    throw new CliError(`not a time: ${flags.timeout}; write 500ms, 5s or 2m`, EXIT.usage);
  }
  return {
    ...address,
    timeoutMs,
    maxDifficulty: wholeNumber('--max-difficulty', flags.maxDifficulty, 0, 64),
    puzzleExtension: wholeNumber('--puzzle-extension', flags.puzzleExtension, 0xff00, 0xffff),
    rejectUnauthorized: flags.insecure !== true,
    ...(flags.servername === undefined ? {} : { servername: flags.servername }),
    ...(flags.ca === undefined ? {} : { ca: read(flags.ca) }),
    ...(flags.cert === undefined ? {} : { cert: read(flags.cert) }),
    ...(flags.key === undefined ? {} : { key: read(flags.key) }),
    ...(flags.alpn === undefined ? {} : { ALPNProtocols: flags.alpn.split(',') }),
  };
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const number = /^(?:\d+|0x[0-9a-f]+)$/i.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new CliError(`${flag} takes a whole number from ${min} to ${max}, not ${text}`, EXIT.usage);
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${(error as Error).message}`, EXIT.usage);
  }
}

interface Report {
  readonly target: string;
  readonly version: string | null;
  readonly cipher: string;
  readonly group: string | null;
  readonly alpn: string | null;
  readonly resumed: boolean;
  /** Whether the server's certificate was found good; false only with --insecure. */
  readonly authorized: boolean;
  readonly puzzle: {
    readonly type: string;
    readonly difficulty: number;
    readonly tries: number;
    readonly milliseconds: number;
  } | null;
}

function describe(target: string, { socket, group, puzzle }: Connected): Report {
  return {
    target,
    version: socket.getProtocol(),
    cipher: socket.getCipher().standardName,
    group,
    alpn: socket.alpnProtocol || null,
    resumed: socket.isSessionReused(),
    authorized: socket.authorized,
    puzzle: puzzle && {
      type: puzzle.type,
      difficulty: puzzle.difficulty,
      tries: puzzle.tries,
      milliseconds: Math.round(puzzle.durationMs),
    },
  };
}

function humanReport({ target, version, cipher, group, alpn, authorized, puzzle }: Report): string {
  const cost =
    puzzle === null
      ? 'none was posed'
      : `${puzzle.type}, ${puzzle.difficulty} bits: ${puzzle.tries.toLocaleString('en')} hashes in ${puzzle.milliseconds} ms`;
  return [
    `connected    ${target}`,
    `negotiated   ${version}, ${cipher}, ${group ?? 'group unknown'}${alpn === null ? '' : `, ${alpn}`}`,
    `certificate  ${authorized ? 'good' : 'not checked'}`,
    `puzzle       ${cost}`,
  ].join('\n');
}

/** Both directions to their own ends: what comes from standard input goes in, what the server says comes out. */
async function pipe(socket: TLSSocket): Promise<number> {
  socket.allowHalfOpen = true;
  try {
    await Promise.all([
      pipeline(process.stdin, socket, { end: true }),
      pipeline(socket, process.stdout, { end: false }),
    ]);
    return EXIT.ok;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // why: the server may end the conversation before standard input does.
    if (code === 'ERR_STREAM_PREMATURE_CLOSE' && socket.readableEnded) return EXIT.ok;
    throw new CliError(`the connection broke: ${message}`);
  } finally {
    process.stdin.destroy();
  }
}
