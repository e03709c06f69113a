/**
 * A TCP connection that keeps what the server says first to itself until it may go on to TLS: time to
 * solve a puzzle without stopping the event loop in the middle of OpenSSL's work.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { retryExtension } from '../challenge/puzzle/retry-request.ts';

export class FirstFlight extends Duplex {
  readonly #socket: Socket;
  readonly #extension: number;
  readonly #onPuzzle: (content: Buffer) => Promise<void>;
  #held: Buffer | null = Buffer.alloc(0);

  /**
   * @param socket Connected, and not read from.
   * @param onPuzzle Gets the content of the puzzle's extension; nothing goes on until it is done, and its failure
   * destroys the connection.
   */
  constructor(socket: Socket, extension: number, onPuzzle: (content: Buffer) => Promise<void>) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#extension = extension;
    this.#onPuzzle = onPuzzle;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.once('end', () => this.#onEnd());
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#held = null;
    this.#socket.destroy();
    done(error);
  }

  #onData(chunk: Buffer): void {
    if (this.#held === null) this.#pass(chunk);
    else this.#inspect(Buffer.concat([this.#held, chunk]));
  }

  #pass(bytes: Buffer): void {
    if (!this.push(bytes)) this.#socket.pause();
  }

  #inspect(bytes: Buffer): void {
    const content = retryExtension(bytes, this.#extension);
    this.#held = content === 'more' ? bytes : null;
    if (content === 'more') return;
    if (content === null) return this.#pass(bytes);
    this.#socket.pause();
    this.#onPuzzle(content).then(
      () => {
        this.#pass(bytes);
        this.#socket.resume();
      },
      (error: Error) => this.destroy(error),
    );
  }

  #onEnd(): void {
    if (this.#held !== null && this.#held.length > 0) this.push(this.#held);
    this.#held = null;
    this.push(null);
  }
}
