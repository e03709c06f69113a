/**
 * Hands what happens on the edge to those who watch it. Nothing waits for a watcher: one that reads too slowly
 * loses events, and is told how many.
 */

/** Where one watcher's lines go, such as the response of an HTTP request. */
export interface WatchStream {
  write(text: string): boolean;
  /** Bytes that were written and not yet sent. */
  readonly writableLength: number;
}

/** How much goes on, of which a watcher is told every second. */
export interface Traffic {
  /** Open connections, of which some shake hands and some are held without an answer. */
  readonly connections: number;
  readonly handshakes: number;
  readonly held: number;
  /** Edge workers that accept. */
  readonly workers: number;
}

/** Watchers at once; their streams wait for that many bytes each at most. */
export const MAX_WATCHERS = 8;
export const MAX_WAITING_BYTES = 262_144;
const STATUS_MS = 1_000;

interface Watcher {
  readonly stream: WatchStream;
  lost: number;
}

export class WatchHub {
  readonly #watchers = new Set<Watcher>();
  readonly #status: () => Traffic;
  readonly #onChange: (watched: boolean) => void;
  #timer: NodeJS.Timeout | null = null;

  /** @param onChange Told when the first watcher comes and when the last one has left. */
  constructor(status: () => Traffic, onChange: (watched: boolean) => void) {
    this.#status = status;
    this.#onChange = onChange;
  }

  get watched(): boolean {
    return this.#watchers.size > 0;
  }

  get isFull(): boolean {
    return this.#watchers.size >= MAX_WATCHERS;
  }

  /** Adds a watcher, unless `isFull`. Call what is returned once it has left. */
  add(stream: WatchStream): () => void {
    const watcher: Watcher = { stream, lost: 0 };
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) {
      this.#timer = setInterval(() => this.#tick(), STATUS_MS);
      this.#onChange(true);
    }
    this.#send(watcher, this.#statusLine(), 0);
    return () => this.#remove(watcher);
  }

  #remove(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return;
    clearInterval(this.#timer ?? undefined);
    this.#onChange(false);
  }

  /** Events as JSON, one a line, and how many more there were. */
  tell(lines: readonly string[], lost: number): void {
    if (this.#watchers.size === 0 || lines.length + lost === 0) return;
    const text = lines.length === 0 ? '' : `${lines.join('\n')}\n`;
    for (const watcher of this.#watchers) {
      watcher.lost += lost;
      this.#send(watcher, text, lines.length);
    }
  }

  #send(watcher: Watcher, text: string, events: number): void {
    if (watcher.stream.writableLength + text.length > MAX_WAITING_BYTES) {
      watcher.lost += events;
      return;
    }
    if (watcher.lost > 0) {
      watcher.stream.write(`${JSON.stringify({ type: 'lost', count: watcher.lost })}\n`);
      watcher.lost = 0;
    }
    if (text !== '') watcher.stream.write(text);
  }

  #statusLine(): string {
    return `${JSON.stringify({ type: 'status', time: new Date().toISOString(), ...this.#status() })}\n`;
  }

  #tick(): void {
    const line = this.#statusLine();
    for (const watcher of this.#watchers) this.#send(watcher, line, 0);
  }
}
