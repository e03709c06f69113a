/** Many hostile connections at once. Takes one JSON argument, prints one JSON line once the edge has closed them all. */
import { connect, type Socket } from 'node:net';
import { captureHello } from '../../test/support/hello.ts';
import { ABORT_POINTS } from './abort-points.ts';
import type { FloodReport, FloodRequest } from './flood.ts';

const request = JSON.parse(process.argv[2]!) as FloodRequest;
const report: FloodReport = { opened: 0, closed: 0, firstMs: Number.POSITIVE_INFINITY, lastMs: 0 };
/** Connections begun at once, so that the listening queue never overflows. */
const OPENING = 128;

const hello = await captureHello({ servername: request.servername });

/** Opens one; resolves once it is open, with a promise of its end. */
async function open(use: (socket: Socket) => void): Promise<{ readonly end: Promise<void> }> {
  const socket = connect(request.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  const opened = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
  if (!opened) return { end: Promise.resolve() };
  report.opened++;
  const started = performance.now();
  use(socket);
  const end = new Promise<void>((resolve) => {
    socket.once('close', () => {
      const took = performance.now() - started;
      report.closed++;
      report.firstMs = Math.min(report.firstMs, Math.round(took));
      report.lastMs = Math.max(report.lastMs, Math.round(took));
      resolve();
    });
  });
  return { end };
}

function drip(socket: Socket): void {
  let at = 0;
  const timer = setInterval(() => socket.write(hello.subarray(at, ++at)), request.everyMs);
  socket.once('close', () => clearInterval(timer));
}

/** A record of a hello that announces more than any hello has. */
function overlong(socket: Socket): void {
  const bytes = Buffer.alloc(request.bytes, 0x41);
  const header = Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]);
  for (let at = 0; at < bytes.length; at += 16_384) {
    header.copy(bytes, at, 0, Math.min(at === 0 ? 9 : 5, bytes.length - at));
  }
  socket.write(bytes);
}

const USES: Readonly<Record<Exclude<FloodRequest['mode'], 'abort'>, (socket: Socket) => void>> = {
  silent: () => {},
  drip,
  half: (socket) => void socket.write(hello),
  overlong,
};

async function together(use: (socket: Socket) => void): Promise<void> {
  const ends: Promise<void>[] = [];
  let left = request.count;
  const opener = async (): Promise<void> => {
    while (left-- > 0) ends.push((await open(use)).end);
  };
  await Promise.all(Array.from({ length: OPENING }, opener));
  process.stderr.write('open\n');
  await Promise.all(ends);
}

async function aborts(): Promise<void> {
  const points = Object.values(ABORT_POINTS);
  const target = { port: request.port, servername: request.servername, hello };
  let done = 0;
  const client = async (): Promise<void> => {
    while (done < request.count) {
      await points[done++ % points.length]!(target);
      report.opened++;
    }
  };
  await Promise.all(Array.from({ length: request.concurrency }, client));
}

if (request.mode === 'abort') await aborts();
else await together(USES[request.mode]);
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
