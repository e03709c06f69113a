/**
 * The TCP side of one client before TLS: the few things that can be done to it without a handshake.
 * The addon's transport works on the bare descriptor; this one on a `net.Socket`, anywhere Node runs.
 */
import type { Socket } from 'node:net';

export interface Transport {
  /** Sends the bytes, then closes in an orderly way. */
  finish(bytes: Uint8Array): void;
  /** Closes with a TCP RST. */
  reset(): void;
  /** Stops reading and answers nothing until `reset` or `finish`. */
  hold(): void;
  /** The socket for the handshake; from here on the transport must not be used. */
  takeSocket(): Socket;
}

/** A peer that does not close after our FIN is reset once this is over. */
const LINGER_MS = 1_000;

export class SocketTransport implements Transport {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  finish(bytes: Uint8Array): void {
    const socket = this.#socket;
    // why: closing with unread input makes the kernel answer RST, which can destroy the alert in flight.
    socket.on('data', () => {});
    socket.resume();
    socket.end(bytes);
    const timer = setTimeout(() => socket.resetAndDestroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  hold(): void {
    this.#socket.pause();
  }

  takeSocket(): Socket {
    return this.#socket;
  }
}
