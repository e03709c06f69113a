/** A TLS client for Node that solves the puzzles which servers pose in the handshake. */
import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls';
import { OFFER, type PuzzleSummary, type SolvedPuzzle, solvePuzzle } from '../challenge/puzzle/solve.ts';
import { PUZZLE_EXTENSION } from '../challenge/puzzle/wire.ts';
import { Core } from '../core/core.ts';
import { loadCoreModule } from '../core/module.ts';
import { loadAddon } from '../edge/addon.ts';
import { alertRecord } from '../orchestrator/alert.ts';
import { FirstFlight } from './first-flight.ts';

/** Options of `tls.connect` that hold here too, and those of the puzzle. */
export interface ConnectOptions
  extends Omit<
    ConnectionOptions,
    'socket' | 'secureContext' | 'path' | 'timeout' | 'port' | 'enableTrace' | 'signal'
  > {
  readonly host: string;
  readonly port: number;
  /** Type of the extension that carries puzzles. Default 0xff6a. */
  readonly puzzleExtension?: number;
  /** Leading zero bits beyond which a puzzle is refused: each one doubles the work. Default 24. */
  readonly maxDifficulty?: number;
  /** For everything up to the end of the handshake, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Told every few milliseconds while a puzzle is being solved: what was asked, and the hashes made so far. */
  readonly onProgress?: (puzzle: PuzzleSummary, tries: number) => void;
}

/** What a puzzle in the handshake was, and what it cost. */
export interface PuzzleCost extends PuzzleSummary {
  /** Hashes. */
  readonly tries: number;
  readonly durationMs: number;
}

export interface Connected {
  /** Its handshake is done, and its certificate checked as `tls.connect` would. */
  readonly socket: TLSSocket;
  /** OpenSSL's name of the key-exchange group; null when it is not known. */
  readonly group: string | null;
  /** Null when the server posed none. */
  readonly puzzle: PuzzleCost | null;
}

/** Why a client gave up; the code is stable. */
export class ConnectError extends Error {
  readonly code: 'no_addon' | 'puzzle_too_hard' | 'puzzle_unsupported' | 'timeout';

  constructor(code: ConnectError['code'], message: string) {
    super(message);
    this.name = 'ConnectError';
    this.code = code;
  }
}

const DEFAULTS = { maxDifficulty: 24, timeoutMs: 30_000 } as const;

/**
 * Shares what browsers share. The rest is there for a server to ask for, which is what takes a puzzle to the client.
 */
const GROUPS = '*X25519MLKEM768:*X25519:SecP256r1MLKEM768:P-256';

/**
 * Connects, solves the puzzle if there is one (in turns of the event loop, some milliseconds each), and resolves once
 * the handshake is done.
 * @throws ConnectError, the signal's reason, or the error of TCP or TLS that ended the attempt; nothing stays open.
 */
export async function connect(options: ConnectOptions): Promise<Connected> {
  const addon = loadAddon().addon?.tls ?? null;
  if (addon === null) {
    throw new ConnectError('no_addon', 'puzzles need the native addon: run `npm run build:addon`');
  }
  const {
    host,
    port,
    puzzleExtension = PUZZLE_EXTENSION,
    maxDifficulty = DEFAULTS.maxDifficulty,
    timeoutMs = DEFAULTS.timeoutMs,
    onProgress = () => {},
    signal: given,
    ...tlsOptions
  } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = given === undefined ? deadline : AbortSignal.any([given, deadline]);
  signal.throwIfAborted();
  const { context, handle: contextHandle } = addon.captureContext(() =>
    createSecureContext({ ecdhCurve: GROUPS, ...tlsOptions }),
  );
  addon.addPuzzleExtension(contextHandle, puzzleExtension, OFFER);
  let puzzle: PuzzleCost | null = null;

  const solve = async (content: Buffer): Promise<void> => {
    const started = performance.now();
    const solved = await solvePuzzle(new Core(loadCoreModule()), content, {
      maxDifficulty,
      signal,
      onProgress,
    });
    if (typeof solved === 'string') throw refuse(raw, solved);
    const { answer, ...cost } = solved satisfies SolvedPuzzle;
    puzzle = { ...cost, durationMs: performance.now() - started };
    addon.answerPuzzle(handle, content, answer);
  };

  const raw = connectTcp({ host, port, noDelay: true });
  let handle = 0;
  try {
    await once(raw, 'connect', { signal });
    const flight = new FirstFlight(raw, puzzleExtension, solve);
    const servername = tlsOptions.servername ?? (isIP(host) === 0 ? host : '');
    const captured = addon.captureSsl(() =>
      connectTls({ ...tlsOptions, host, servername, socket: flight, secureContext: context }),
    );
    handle = captured.handle;
    const { made: socket } = captured;
    await once(socket, 'secureConnect', { signal });
    return { socket, group: addon.sslInfo(handle)?.group ?? null, puzzle };
  } catch (error) {
    raw.destroy();
    if (!deadline.aborted || given?.aborted) throw given?.aborted ? given.reason : error;
    throw new ConnectError('timeout', `no TLS connection after ${timeoutMs} ms`);
  }
}

/** Tells the server (draft, section 3.1), and says why. */
function refuse(socket: Socket, why: 'too_hard' | 'unsupported'): ConnectError {
  const tooHard = why === 'too_hard';
  socket.write(alertRecord(tooHard ? 'handshake_failure' : 'illegal_parameter'));
  return tooHard
    ? new ConnectError('puzzle_too_hard', 'the server poses a harder puzzle than this client solves')
    : new ConnectError('puzzle_unsupported', 'the server poses a puzzle that was not offered');
}
