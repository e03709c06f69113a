/**
 * The TCP side of one client before TLS: the few things that can be done to it without a handshake.
 * It begins as a bare descriptor where the addon accepts, or as a `net.Socket` where Node does.
 */
import { Socket } from 'node:net';
import type { TLSSocketOptions } from 'node:tls';
import type { DescriptorWatch } from './descriptors.ts';
import { peekHello } from './hello-peeker.ts';
import { type HelloDone, type HelloReaderOptions, readHello } from './hello-reader.ts';
import { type WiredTls, wrapDescriptor, wrapSocket } from './wire.ts';

export interface Transport {
  /** The descriptor while no Node handle owns it, else -1. */
  readonly descriptor: number;
  /** Waits for what `parse` calls complete, such as a ClientHello, which then is still there for TLS to read. */
  readHello(options: HelloReaderOptions, done: HelloDone): void;
  /** Sends a few bytes that the client waits for; false when they do not go out at once. */
  send(bytes: Uint8Array): boolean;
  /** Throws away bytes that are there and that TLS must not see. */
  skip(bytes: number): void;
  /** Sends the bytes, then closes in an orderly way. */
  finish(bytes: Uint8Array): void;
  /** Closes with a TCP RST. */
  reset(): void;
  /** Answers nothing until `reset`; calls `onGone` when the client leaves before that. */
  hold(onGone: () => void): void;
  /** Begins TLS; from here on the transport must not be used. */
  takeTls(options: TLSSocketOptions): WiredTls;
  /** The connection as a socket, without TLS; from here on the transport must not be used. */
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

  readHello(options: HelloReaderOptions, done: HelloDone): void {
    readHello(this.#socket, options, done);
  }

  send(bytes: Uint8Array): boolean {
    return this.#socket.write(bytes);
  }

  skip(bytes: number): void {
    this.#socket.read(bytes);
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
    this.#socket.on('error', () => {});
    this.#socket.resetAndDestroy();
  }

  hold(onGone: () => void): void {
    this.#socket.on('error', () => {});
    this.#socket.once('close', onGone);
    this.#socket.pause();
  }

  takeTls(options: TLSSocketOptions): WiredTls {
    return wrapSocket(this.#socket, options);
  }

  takeSocket(): Socket {
    return this.#socket;
  }
}

/** Refusing, resetting or holding a bare descriptor makes no Node object at all. */
export class DescriptorTransport implements Transport {
  readonly descriptor: number;
  readonly #watch: DescriptorWatch;
  #cancelHello: (() => void) | null = null;

  constructor(watch: DescriptorWatch, fd: number) {
    this.descriptor = fd;
    this.#watch = watch;
  }

  readHello(options: HelloReaderOptions, done: HelloDone): void {
    this.#cancelHello = peekHello(this.#watch, this.descriptor, options, (end, length, reads) => {
      this.#cancelHello = null;
      done(end, length, reads);
    });
  }

  skip(bytes: number): void {
    this.#watch.addon.skip(this.descriptor, bytes);
  }

  #stopWaiting(): void {
    this.#cancelHello?.();
    this.#cancelHello = null;
    this.#watch.cancel(this.descriptor);
  }

  send(bytes: Uint8Array): boolean {
    return this.#watch.addon.send(this.descriptor, bytes) === bytes.length;
  }

  finish(bytes: Uint8Array): void {
    this.#stopWaiting();
    this.#watch.addon.finish(this.descriptor, bytes);
  }

  reset(): void {
    this.#stopWaiting();
    this.#watch.addon.reset(this.descriptor);
  }

  hold(onGone: () => void): void {
    this.#watch.wait(this.descriptor, 0, onGone);
  }

  takeTls(options: TLSSocketOptions): WiredTls {
    this.#stopWaiting();
    return wrapDescriptor(this.#watch.addon, this.descriptor, options);
  }

  takeSocket(): Socket {
    this.#stopWaiting();
    return new Socket({ fd: this.descriptor, readable: true, writable: true });
  }
}
