/**
 * Writes the audit log on the main thread: chained lines, a bounded queue, one write at a time. A disk
 * that is slow or full loses lines and counts them; it never holds a connection up.
 */
import { HashChain, readLink } from './chain.ts';
import { FileSink, openForAppend, recoverLastLine, type Sink, StdoutSink } from './sink.ts';

export interface AuditWriterOptions {
  /** A path, or `-` for standard output. */
  readonly file: string;
  /** Lines that may wait for the disk, 1 or more. */
  readonly maxQueued: number;
  /** Called once when writing starts to fail, and again after it worked in between. */
  readonly onError?: (error: Error) => void;
}

const RETRY_MS = 1_000;
/** Bytes handed to the system at once. */
const BATCH_BYTES = 1_048_576;

export class AuditWriter {
  readonly #options: AuditWriterOptions;
  readonly #chain: HashChain;
  #sink: Sink;
  #queue: string[] = [];
  /** What is being written, and the lines it holds. */
  #batch: Buffer | null = null;
  #batchLines = 0;
  #failing = false;
  #retry: NodeJS.Timeout | null = null;
  #reopening = false;
  #closed: (() => void) | null = null;
  #ended = false;
  #written = 0;
  #lost = 0;

  /**
   * Opens the file and continues its chain after the last line.
   * @throws the system's error when the file cannot be opened.
   */
  constructor(options: AuditWriterOptions) {
    this.#options = options;
    if (options.file === '-') {
      this.#sink = new StdoutSink();
      this.#chain = new HashChain(null);
      return;
    }
    const fd = openForAppend(options.file);
    this.#sink = new FileSink(fd);
    const { line, torn } = recoverLastLine(fd);
    if (torn) this.#lost++;
    this.#chain = new HashChain(line === null ? null : readLink(line));
  }

  /** Lines on disk since the start. */
  get written(): number {
    return this.#written;
  }

  /** Lines that never got there: the queue was full, or the writer closed on a failing disk. */
  get lost(): number {
    return this.#lost;
  }

  /** Lines that wait, those in a write under way included. */
  get queued(): number {
    return this.#queue.length + this.#batchLines;
  }

  /** Takes the output of `formatRecord`; never blocks and never throws. */
  write(lines: readonly string[]): void {
    for (const line of lines) {
      if (this.#ended || this.queued >= this.#options.maxQueued) {
        this.#chain.skip();
        this.#lost++;
      } else this.#queue.push(this.#chain.append(line));
    }
    this.#next();
  }

  /** Lets the file go and opens the path again, after a rotation. The chain runs on in the new file. */
  reopen(): void {
    if (this.#options.file === '-' || this.#ended) return;
    this.#reopening = true;
    this.#next();
  }

  /** Writes what waits, then closes. What a failing disk does not take at once is lost and counted. */
  close(): Promise<void> {
    this.#ended = true;
    return new Promise((resolve) => {
      this.#closed = resolve;
      if (this.#retry !== null) this.#abandon();
      this.#next();
    });
  }

  #next(): void {
    if (this.#batch !== null) return;
    if (this.#reopening) this.#swap();
    if (this.#queue.length > 0) this.#take();
    else if (this.#closed !== null) {
      const done = this.#closed;
      this.#closed = null;
      this.#sink.close(done);
    }
  }

  #take(): void {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && bytes < BATCH_BYTES) bytes += this.#queue[count++]!.length + 1;
    this.#batch = Buffer.from(`${this.#queue.slice(0, count).join('\n')}\n`);
    this.#batchLines = count;
    this.#queue = this.#queue.slice(count);
    this.#flush();
  }

  #flush(): void {
    this.#sink.write(this.#batch!, (error, written) => {
      if (error) return this.#onError(error);
      this.#failing = false;
      if (written < this.#batch!.length) {
        this.#batch = this.#batch!.subarray(written);
        return this.#flush();
      }
      this.#written += this.#batchLines;
      this.#batch = null;
      this.#batchLines = 0;
      this.#next();
    });
  }

  #onError(error: Error): void {
    if (!this.#failing) this.#options.onError?.(error);
    this.#failing = true;
    if (this.#ended) {
      this.#abandon();
      this.#next();
      return;
    }
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#flush();
    }, RETRY_MS);
    this.#retry.unref();
  }

  #abandon(): void {
    clearTimeout(this.#retry ?? undefined);
    this.#retry = null;
    this.#lost += this.queued;
    this.#queue = [];
    this.#batch = null;
    this.#batchLines = 0;
  }

  #swap(): void {
    this.#reopening = false;
    try {
      const next = new FileSink(openForAppend(this.#options.file));
      this.#sink.close(() => {});
      this.#sink = next;
    } catch (error) {
      this.#options.onError?.(error as Error);
    }
  }
}
