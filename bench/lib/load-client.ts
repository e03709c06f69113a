/**
 * The load, in a process of its own so that its CPU is not the server's. Takes one JSON argument, prints
 * one JSON line at its end.
 */
import { connect as connectTcp } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { LoadReport, LoadRequest } from './load.ts';

const request = JSON.parse(process.argv[2]!) as LoadRequest;
const report: LoadReport = { done: 0, failed: 0, lost: 0, errors: {}, latencies: [] };

function fail(error: string): void {
  report.failed++;
  report.errors[error] = (report.errors[error] ?? 0) + 1;
}

/** A full TLS 1.3 handshake; null when it failed. */
function handshake(): Promise<TLSSocket | null> {
  return new Promise((resolve) => {
    const started = performance.now();
    let secure = false;
    const socket = connectTls({
      port: request.port,
      host: '127.0.0.1',
      servername: request.servername,
      minVersion: 'TLSv1.3',
      ecdhCurve: 'X25519',
      rejectUnauthorized: false,
    });
    let cause = 'closed';
    socket.on('error', (error: NodeJS.ErrnoException) => {
      cause = error.code ?? error.message;
    });
    socket.once('secureConnect', () => {
      secure = true;
      report.done++;
      report.latencies.push(performance.now() - started);
      resolve(socket);
    });
    socket.once('close', () => {
      if (!secure) fail(cause);
      resolve(null);
    });
    socket.resume();
  });
}

/** Sends the hello and reads until the server closes. */
function refusal(hello: Buffer, second: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const started = performance.now();
    const socket = connectTcp(request.port, '127.0.0.1', () => socket.write(hello));
    socket.on('error', () => {});
    if (second.length > 0) socket.once('data', () => socket.write(second));
    socket.resume();
    socket.once('close', () => {
      report.done++;
      report.latencies.push(performance.now() - started);
      resolve();
    });
  });
}

/** `concurrency` clients, each with its next connection as soon as the last one ended. */
async function closedLoop(one: () => Promise<void>): Promise<void> {
  let left = request.count;
  const client = async (): Promise<void> => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: request.concurrency }, client));
}

async function shake(): Promise<void> {
  const socket = await handshake();
  if (socket === null) return;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end();
  await closed;
}

/** `perSecond` handshakes begun each second whatever becomes of them, until standard input ends. */
async function openLoop(): Promise<void> {
  const started = performance.now();
  const pending = new Set<Promise<void>>();
  let begun = 0;
  const stop = endOfInput();
  while (!stop.aborted) {
    const due = ((performance.now() - started) / 1000) * request.perSecond;
    for (; begun < due; begun++) {
      const one = shake();
      pending.add(one);
      one.finally(() => pending.delete(one));
    }
    await delay(5);
  }
  await Promise.all(pending);
}

/** Keeps `count` connections open and opens those that are lost again, until standard input ends. */
async function hold(): Promise<void> {
  const stop = endOfInput();
  const open = new Set<TLSSocket>();
  const keepOne = async (): Promise<void> => {
    const socket = await handshake();
    if (socket === null) return;
    open.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      if (!stop.aborted) report.lost++;
    });
  };
  while (!stop.aborted) {
    await Promise.all(Array.from({ length: Math.min(32, request.count - open.size) }, keepOne));
    if (open.size >= request.count) {
      process.stderr.write('holding\n');
      await delay(50);
    }
  }
  for (const socket of open) socket.destroy();
}

/** As `openLoop`, with clients that never answer. */
async function silence(hello: Buffer): Promise<void> {
  const started = performance.now();
  const pending: Promise<void>[] = [];
  while (pending.length < request.count) {
    const due = Math.min(((performance.now() - started) / 1000) * request.perSecond, request.count);
    while (pending.length < due) pending.push(refusal(hello, Buffer.alloc(0)));
    await delay(5);
  }
  await Promise.all(pending);
}

function endOfInput(): AbortSignal {
  const ended = new AbortController();
  process.stdin.on('end', () => ended.abort()).resume();
  return ended.signal;
}

switch (request.mode) {
  case 'handshake':
    await closedLoop(shake);
    break;
  case 'refusal': {
    const hello = Buffer.from(request.hello, 'base64');
    const second = Buffer.from(request.second, 'base64');
    await closedLoop(() => refusal(hello, second));
    break;
  }
  case 'silent':
    await silence(Buffer.from(request.hello, 'base64'));
    break;
  case 'rate':
    await openLoop();
    break;
  case 'hold':
    await hold();
    break;
}
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
