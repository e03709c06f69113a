/** Ten points of a connection's life at which a client may break off, each with a TCP reset. */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

export interface AbortTarget {
  readonly port: number;
  readonly servername: string;
  /** A whole ClientHello for that name, in records. */
  readonly hello: Buffer;
}

/** A change_cipher_spec and the beginning of an encrypted record: a client's flight that breaks off. */
const HALF_FLIGHT = Buffer.from('140303000101170303003500112233445566', 'hex');
/** Beyond the server's flight there is nothing to wait for. */
const QUIET_MS = 30;

/** Resets a connection that got as far as its point; resolves once it is closed. */
type Abort = (target: AbortTarget) => Promise<void>;

function raw(before: (socket: Socket, target: AbortTarget) => void | Promise<void>): Abort {
  return async (target) => {
    const socket = connect(target.port, '127.0.0.1');
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    await new Promise<void>((resolve) => {
      socket.once('connect', resolve);
      socket.once('close', () => resolve());
    });
    await before(socket, target);
    socket.resetAndDestroy();
    await closed;
  };
}

/** Resolves with the first bytes that came, or once the other side closed. */
function answered(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('data', () => resolve());
    socket.once('close', () => resolve());
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function tls(
  before: (socket: ReturnType<typeof connectTls>) => void | Promise<void>,
  options: ConnectionOptions = {},
): Abort {
  return async ({ port, servername }) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const secure = connectTls({ socket, servername, rejectUnauthorized: false, ...options });
    secure.on('error', () => {});
    await new Promise<void>((resolve) => {
      secure.once('secureConnect', () => resolve());
      socket.once('close', () => resolve());
    });
    await before(secure);
    socket.resetAndDestroy();
    await closed;
  };
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

export const ABORT_POINTS: Readonly<Record<string, Abort>> = {
  'after connect': raw(() => {}),
  'after one byte': raw((socket, { hello }) => void socket.write(hello.subarray(0, 1))),
  'in the hello': raw((socket, { hello }) => void socket.write(hello.subarray(0, hello.length >> 1))),
  'after the hello': raw((socket, { hello }) => void socket.write(hello)),
  'at the first answer': raw(async (socket, { hello }) => {
    socket.write(hello);
    await answered(socket);
  }),
  'after the server’s flight': raw(async (socket, { hello }) => {
    socket.write(hello);
    await answered(socket);
    await pause(QUIET_MS);
  }),
  'in the client’s flight': raw(async (socket, { hello }) => {
    socket.write(hello);
    await answered(socket);
    socket.write(HALF_FLIGHT);
  }),
  'after the handshake': tls(() => {}),
  'in a request': tls((socket) => void socket.write(GET.slice(0, 10))),
  'before the response': tls((socket) => void socket.write(GET)),
};
