/**
 * The TCP side of one client before TLS: the few things that can be done to it without a handshake.
 * It begins as a bare descriptor where the addon accepts, or as a `net.Socket` where Node does.
 */
import { Socket } from 'node:net';
import type { Addon } from './addon.ts';

export interface Transport {
  /** The descriptor while no Node handle owns it, else -1. */
  readonly descriptor: number;
  /** Sends the bytes, then closes in an orderly way. */
  finish(bytes: Uint8Array): void;
  /** Closes with a TCP RST. */
  reset(): void;
  /** Stops reading and answers nothing until `reset` or `finish`. */
  hold(): void;
  /** The socket for the handshake. `finish` and `reset` still work until TLS has taken it over. */
  takeSocket(): Socket;
}

/** A peer that does not close after our FIN is reset once this is over. */
const LINGER_MS = 1_000;

export class SocketTransport implements Transport {
  readonly descriptor = -1;
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  finish(bytes: Uint8Array): void {
    const socket = this.#socket;
    // why: closing with unread input makes the kernel answer RST, which can destroy the alert in flight.
    socket.on('data', () => {});
    socket.on('error', () => {});
    socket.resume();
    socket.end(bytes);
    const timer = setTimeout(() => socket.resetAndDestroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  hold(): void {
    this.#socket.on('error', () => {});
    this.#socket.pause();
  }

  takeSocket(): Socket {
    return this.#socket;
  }
}

/** Refusing, resetting or holding a bare descriptor makes no Node object at all. */
export class DescriptorTransport implements Transport {
  readonly #addon: Addon;
  readonly #fd: number;
  #adopted: SocketTransport | null = null;

  constructor(addon: Addon, fd: number) {
    this.#addon = addon;
    this.#fd = fd;
  }

  get descriptor(): number {
    return this.#adopted === null ? this.#fd : -1;
  }

  finish(bytes: Uint8Array): void {
    if (this.#adopted !== null) {
      this.#adopted.finish(bytes);
      return;
    }
    this.#addon.send(this.#fd, bytes);
    this.#addon.closeGracefully(this.#fd);
  }

  reset(): void {
    if (this.#adopted === null) this.#addon.reset(this.#fd);
    else this.#adopted.reset();
  }

  hold(): void {
    this.#adopted?.hold();
  }

  takeSocket(): Socket {
    this.#adopted ??= new SocketTransport(new Socket({ fd: this.#fd, readable: true, writable: true }));
    return this.#adopted.takeSocket();
  }
}
