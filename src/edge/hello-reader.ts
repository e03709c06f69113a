/**
 * Reads a ClientHello that had not arrived whole when the connection was accepted. The bytes are put
 * back into the socket once they are complete, so that TLS finds them untouched.
 */
import type { Socket } from 'node:net';

/** `complete`: parsed and put back. A negative number: the parser's status. */
export type HelloEnd = 'complete' | 'too_large' | 'timeout' | 'closed' | number;

export interface HelloReaderOptions {
  /** Bytes of records a client may send before its hello is complete. */
  readonly maxBytes: number;
  /** Bytes that were looked at before and are there still; there is nothing to see before more come. Default 0. */
  readonly seen?: number;
  /** Milliseconds from now; no byte resets it. */
  readonly timeoutMs: number;
  /** 0: complete, 1: more is needed, negative: a parser status. */
  readonly parse: (bytes: Uint8Array, length: number) => number;
  /** Bytes below which there is no use in looking again, more than `length`; absent: every byte is looked at. */
  readonly least?: (bytes: Uint8Array, length: number) => number;
}

/** Told once how reading ended, the bytes seen, and the reads it took. */
export type HelloDone = (end: HelloEnd, length: number, reads: number) => void;

/** Room for most hellos; the buffer doubles up to `maxBytes`. */
const FIRST_BYTES = 2_048;

/** Calls `done` exactly once. The socket must be paused or fresh and is left without listeners of ours. */
export function readHello(socket: Socket, options: HelloReaderOptions, done: HelloDone): void {
  let buffer = Buffer.allocUnsafe(Math.min(FIRST_BYTES, options.maxBytes + 1));
  let length = 0;
  let reads = 0;

  function finish(end: HelloEnd): void {
    clearTimeout(timer);
    socket.off('readable', onReadable);
    socket.off('end', onClosed);
    socket.off('close', onClosed);
    socket.off('error', ignore);
    if (end === 'complete') socket.unshift(buffer.subarray(0, length));
    done(end, length, reads);
  }

  function append(chunk: Buffer): boolean {
    const room = options.maxBytes + 1;
    const needed = Math.min(length + chunk.length, room);
    if (needed > buffer.length) {
      const larger = Buffer.allocUnsafe(Math.min(Math.max(buffer.length * 2, needed), room));
      buffer.copy(larger, 0, 0, length);
      buffer = larger;
    }
    length += chunk.copy(buffer, length, 0, needed - length);
    return length <= options.maxBytes;
  }

  function onReadable(): void {
    let chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    reads++;
    for (; chunk !== null; chunk = socket.read()) {
      if (!append(chunk)) {
        finish('too_large');
        return;
      }
    }
    const status = options.parse(buffer, length);
    if (status === 0) finish('complete');
    else if (status < 0) finish(status);
  }

  const onClosed = (): void => finish('closed');
  // why: an 'error' without a listener would end the worker; 'close' follows and is what we act on.
  const ignore = (): void => {};
  const timer = setTimeout(() => finish('timeout'), options.timeoutMs);
  socket.on('readable', onReadable);
  socket.once('end', onClosed);
  socket.once('close', onClosed);
  socket.on('error', ignore);
}
