/** Real ClientHellos, made by Node's own TLS client. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';

/** The first bytes a TLS client sends. */
export function captureHello(options: ConnectionOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.once('data', (bytes: Buffer) => {
        resolve(bytes);
        socket.destroy();
        server.close();
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false, ...options }).on(
        'error',
        () => {},
      );
    });
    server.on('error', reject);
  });
}

/** Puts the handshake message of one record into records, of as many bytes as `nextSize` says of each. */
export function splitIntoRecords(hello: Buffer, nextSize: () => number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    const part = message.subarray(at, at + nextSize());
    records.push(Buffer.from([0x16, 3, 1, part.length >> 8, part.length & 0xff]), part);
    at += part.length;
  }
  return Buffer.concat(records);
}

/** As `splitIntoRecords`, in records of `size` bytes each. */
export function intoRecords(hello: Buffer, size: number): Buffer {
  return splitIntoRecords(hello, () => size);
}

/** The hello with an extension of `size` bytes of content added at its end. */
export function grown(hello: Buffer, size: number): Buffer {
  const body = hello.subarray(9);
  const sessionEnd = 34 + 1 + body[34]!;
  const suitesEnd = sessionEnd + 2 + body.readUInt16BE(sessionEnd);
  const extensions = suitesEnd + 1 + body[suitesEnd]!;
  const extension = Buffer.concat([u16(0x7777), u16(size), Buffer.alloc(size)]);
  const block = Buffer.concat([body.subarray(extensions + 2), extension]);
  return withHeaders(Buffer.concat([body.subarray(0, extensions), u16(block.length), block]));
}

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

/** Handshake and record headers; a message longer than a record goes into several. */
export function withHeaders(body: Buffer): Buffer {
  const message = Buffer.concat([
    Buffer.from([1, body.length >> 16, (body.length >> 8) & 0xff, body.length & 0xff]),
    body,
  ]);
  return intoRecords(Buffer.concat([Buffer.alloc(5), message]), 16_384);
}

/** Reads what the server sends until it closes; `reset` says how. */
export function untilClosed(
  socket: import('node:net').Socket,
): Promise<{ readonly bytes: Buffer; readonly reset: boolean }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let reset = false;
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reset ||= error.code === 'ECONNRESET' || error.code === 'EPIPE';
    });
    socket.on('close', () => resolve({ bytes: Buffer.concat(chunks), reset }));
  });
}
