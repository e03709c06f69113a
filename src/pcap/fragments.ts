/**
 * Joins the fragments of IP packets (RFC 791 section 3.2, RFC 8200 section 4.5), in bounded memory and time. A packet
 * whose fragments overlap is refused with all that still comes of it (RFC 5722): no two systems agree on what it says.
 */

/** One fragment, as either version of IP tells it. */
export interface Fragment {
  /** What the fragments of one packet have in common. */
  readonly key: string;
  /** Where its payload belongs, in bytes. */
  readonly offset: number;
  readonly isLast: boolean;
  /** The headers before the payload; those of the first fragment become the packet's. */
  readonly head: Uint8Array;
  readonly payload: Uint8Array;
}

/** A packet whose fragments have all come. */
export interface Joined {
  readonly head: Uint8Array;
  readonly payload: Uint8Array;
}

export interface FragmentCounts {
  /** Fragments that came. */
  seen: number;
  /** Packets that were joined. */
  joined: number;
  /** Packets refused: their fragments overlap, or cannot be of one packet. */
  refused: number;
  /** Packets given up: fragments that did not come in time, or too many packets at once. */
  lost: number;
}

/** Packets that wait for fragments. */
const MAX_PACKETS = 4_096;
/** Bytes of all fragments that wait. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Of one packet. */
const MAX_FRAGMENTS = 1_024;
/** From the first fragment on; RFC 8200 section 4.5 says 60 s, RFC 1122 section 3.3.2 60 to 120. */
const MAX_WAIT_MS = 60_000;
/** The length field of an IP header has 16 bits. */
const MAX_PAYLOAD = 65_535;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Waiting {
  readonly sinceMs: number;
  /** In the order of their offsets, none overlapping another. */
  readonly pieces: Piece[];
  /** Of the fragment at offset 0. */
  head: Uint8Array | null;
  /** Length of the whole payload, once the last fragment has come. */
  length: number | null;
  bytes: number;
  isRefused: boolean;
}

export class Fragments {
  readonly counts: FragmentCounts = { seen: 0, joined: 0, refused: 0, lost: 0 };
  /** Oldest first. */
  readonly #waiting = new Map<string, Waiting>();
  #bytes = 0;

  /** Takes a fragment; null until it is the last one that its packet lacked. */
  take(fragment: Fragment, timeMs: number): Joined | null {
    this.counts.seen++;
    this.#expire(timeMs);
    const waiting = this.#waiting.get(fragment.key) ?? this.#begin(fragment.key, timeMs);
    if (waiting.isRefused) return null;
    if (!this.#add(waiting, fragment)) {
      this.#refuse(waiting);
      return null;
    }
    const joined = join(waiting);
    if (joined !== null) {
      this.counts.joined++;
      this.#forget(fragment.key, waiting);
    }
    while (this.#bytes > MAX_BYTES) this.#loseOldest();
    return joined;
  }

  /** Nothing more will come. */
  end(): void {
    while (this.#waiting.size > 0) this.#loseOldest();
  }

  #begin(key: string, sinceMs: number): Waiting {
    if (this.#waiting.size >= MAX_PACKETS) this.#loseOldest();
    const waiting = { sinceMs, pieces: [], head: null, length: null, bytes: 0, isRefused: false };
    this.#waiting.set(key, waiting);
    return waiting;
  }

  /** False when the fragment cannot be of the packet. */
  #add(waiting: Waiting, { offset, isLast, head, payload }: Fragment): boolean {
    const { pieces } = waiting;
    const end = offset + payload.length;
    // Only the last one may end anywhere; offsets count in units of eight bytes.
    if (end > MAX_PAYLOAD || payload.length === 0 || (!isLast && payload.length % 8 !== 0)) return false;
    if (waiting.length !== null && (isLast ? end !== waiting.length : end > waiting.length)) return false;
    const place = pieces.findLastIndex((piece) => piece.offset <= offset) + 1;
    const before = pieces[place - 1];
    // RFC 8200 section 4.5: one that comes twice is no overlap.
    if (before?.offset === offset && equal(before.bytes, payload)) return true;
    const after = pieces[place];
    if (before !== undefined && before.offset + before.bytes.length > offset) return false;
    if (after !== undefined && (after.offset < end || isLast)) return false;
    if (pieces.length >= MAX_FRAGMENTS) return false;
    if (isLast) waiting.length = end;
    if (offset === 0) waiting.head = head.slice();
    pieces.splice(place, 0, { offset, bytes: payload.slice() });
    waiting.bytes += payload.length;
    this.#bytes += payload.length;
    return true;
  }

  /** What is refused stays known, so that its other fragments do not make a packet. */
  #refuse(waiting: Waiting): void {
    this.counts.refused++;
    this.#bytes -= waiting.bytes;
    waiting.isRefused = true;
    waiting.bytes = 0;
    waiting.pieces.length = 0;
  }

  #expire(timeMs: number): void {
    for (const [key, waiting] of this.#waiting) {
      if (timeMs - waiting.sinceMs <= MAX_WAIT_MS) break;
      this.#lose(key, waiting);
    }
  }

  #loseOldest(): void {
    const [key, waiting] = this.#waiting.entries().next().value!;
    this.#lose(key, waiting);
  }

  #lose(key: string, waiting: Waiting): void {
    if (!waiting.isRefused) this.counts.lost++;
    this.#forget(key, waiting);
  }

  #forget(key: string, waiting: Waiting): void {
    this.#bytes -= waiting.bytes;
    this.#waiting.delete(key);
  }
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Pieces that do not overlap and are as long together as the packet leave no gap. */
function join({ head, length, bytes, pieces }: Waiting): Joined | null {
  if (head === null || bytes !== length) return null;
  return { head, payload: Buffer.concat(pieces.map((piece) => piece.bytes)) };
}
