/** Where audit lines go: a file that is only ever appended to, or standard output. */
import { closeSync, fstatSync, fsync, ftruncateSync, openSync, readSync, write } from 'node:fs';

/** `written` counts bytes; less than all of them is no error, the rest is written next. */
export type Written = (error: Error | null, written: number) => void;

export interface Sink {
  write(bytes: Buffer, done: Written): void;
  /** Makes what was written durable and lets the file go. */
  close(done: () => void): void;
}

export class FileSink implements Sink {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(bytes: Buffer, done: Written): void {
    write(this.#fd, bytes, 0, bytes.length, null, (error, written) => done(error, written ?? 0));
  }

  close(done: () => void): void {
    fsync(this.#fd, () => {
      closeSync(this.#fd);
      done();
    });
  }
}

export class StdoutSink implements Sink {
  constructor() {
    // why: a reader that goes away is reported to every write; without a listener it would end the process.
    process.stdout.on('error', ignore);
  }

  write(bytes: Buffer, done: Written): void {
    process.stdout.write(bytes, (error) => done(error ?? null, error ? 0 : bytes.length));
  }

  close(done: () => void): void {
    process.stdout.off('error', ignore);
    done();
  }
}

function ignore(): void {}

/** Longest tail that is searched for the last line. */
const TAIL_BYTES = 262_144;

/** Opens a file to append to. @throws the system's error (EACCES, ENOENT, EISDIR…). */
export function openForAppend(file: string): number {
  return openSync(file, 'a+', 0o640);
}

/**
 * The last whole line of the file, or null when there is none. A torn line at its end, left by a crash
 * in mid-write, is cut off so that the next one starts on its own line.
 */
export function recoverLastLine(fd: number): { readonly line: string | null; readonly torn: boolean } {
  const { size } = fstatSync(fd);
  const start = Math.max(0, size - TAIL_BYTES);
  const tail = Buffer.alloc(size - start);
  const length = readSync(fd, tail, 0, tail.length, start);
  const end = tail.subarray(0, length).lastIndexOf(0x0a);
  const torn = end !== length - 1 && length > 0;
  if (torn && (end !== -1 || start === 0)) ftruncateSync(fd, start + end + 1);
  if (end === -1) return { line: null, torn };
  const begin = end === 0 ? -1 : tail.lastIndexOf(0x0a, end - 1);
  return { line: tail.toString('utf8', begin + 1, end), torn };
}
