/** The TLS connections in a capture: the SYN and the first ClientHello of each, in bounded memory. */

import type { Packet } from './container.ts';
import { type FragmentCounts, Fragments } from './fragments.ts';
import { FLAG, type Segment, segmentOf } from './packet.ts';
import { OrderedStream } from './stream.ts';

export interface Endpoint {
  /** 16 bytes, IPv4 as ::ffff:a.b.c.d. */
  readonly ip: Uint8Array;
  readonly isV4: boolean;
  readonly port: number;
}

/** What a capture shows of the beginning of a TLS connection. */
export interface TlsBeginning {
  /** Milliseconds since the epoch: of the SYN, or of the hello where the SYN was not captured. */
  readonly timeMs: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** IP and TCP headers of the SYN; null when it was not captured. */
  readonly syn: Uint8Array | null;
  /** Records, from the one that begins the ClientHello on. */
  readonly hello: Uint8Array;
  readonly isComplete: boolean;
  /** Bytes that the client sent before it: another protocol first, as with STARTTLS. */
  readonly before: number;
}

export interface CaptureCounts {
  packets: number;
  segments: number;
  connections: number;
  readonly fragments: FragmentCounts;
  /** Connections given up to keep within memory, or for gaps. */
  givenUp: number;
  /** Packets by link type that cannot be read. */
  readonly foreignLinks: Map<number, number>;
}

export interface ConnectionsOptions {
  /** 0: a whole hello, 1: more is needed, negative: not one. */
  readonly parse: (bytes: Uint8Array, length: number) => number;
  readonly found: (beginning: TlsBeginning) => void;
  /** Connections watched at once; the oldest is given up for a new one. */
  readonly maxConnections?: number;
}

/** As long as a hello that the edge reads can be made, and some. */
const MAX_HELLO = 68 * 1024;
/** How much of another protocol is looked through for the beginning of TLS. */
const MAX_BEFORE = 256 * 1024;
const DEFAULT_CONNECTIONS = 65_536;
/** Bytes of hellos and of segments that wait, of all connections; more, and the oldest is given up. */
const MAX_BUFFERED = 64 * 1024 * 1024;

interface Watched {
  readonly timeMs: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly syn: Uint8Array | null;
  /** Sequence number of the SYN; null without one. */
  readonly initial: number | null;
  readonly stream: OrderedStream;
  hello: Buffer | null;
  length: number;
  before: number;
  /** Its hello was reported, or there will be none. */
  isDone: boolean;
}

export class TlsConnections {
  readonly #fragments = new Fragments();
  readonly counts: CaptureCounts = {
    packets: 0,
    segments: 0,
    connections: 0,
    fragments: this.#fragments.counts,
    givenUp: 0,
    foreignLinks: new Map(),
  };
  readonly #options: ConnectionsOptions;
  /** By direction from client to server, oldest first; null: nothing more is to be learnt of it. */
  readonly #watched = new Map<string, Watched | null>();
  #buffered = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  take(packet: Packet): void {
    const { counts } = this;
    counts.packets++;
    const segment = segmentOf(packet, this.#fragments);
    if (typeof segment !== 'string') this.#segment(segment, packet.timeMs);
    else if (segment === 'link') {
      const { linkType } = packet;
      counts.foreignLinks.set(linkType, (counts.foreignLinks.get(linkType) ?? 0) + 1);
    }
  }

  /** The capture has ended: hellos that are not whole come as they are. */
  end(): void {
    for (const watched of this.#watched.values()) if (watched) this.#report(watched, false);
    this.#watched.clear();
    this.#fragments.end();
  }

  #segment(segment: Segment, timeMs: number): void {
    this.counts.segments++;
    const { flags } = segment;
    const key = keyOf(segment);
    const isSyn = (flags & FLAG.syn) !== 0;
    let watched = this.#watched.get(key);
    if (isSyn && (flags & FLAG.ack) !== 0) return;
    if (isSyn && watched?.initial !== segment.sequence) {
      if (watched) this.#giveUp(key, watched);
      watched = watchFrom(segment, timeMs, segment.headers.slice());
      this.#watch(key, watched);
    } else if (watched === undefined && beginsHello(segment.payload, false)) {
      watched = watchFrom(segment, timeMs, null);
      this.#watch(key, watched);
    }
    if (watched) this.#read(key, watched, segment);
  }

  #watch(key: string, watched: Watched): void {
    this.counts.connections++;
    this.#settle(key);
    this.#watched.delete(key);
    if (this.#watched.size >= (this.#options.maxConnections ?? DEFAULT_CONNECTIONS)) this.#dropOldest();
    this.#watched.set(key, watched);
  }

  #dropOldest(): void {
    const [oldest, watched] = this.#watched.entries().next().value!;
    if (watched) this.#giveUp(oldest, watched);
    this.#watched.delete(oldest);
  }

  /** Nothing more is to be learnt of a connection; that it was there is remembered. */
  #settle(key: string): void {
    const watched = this.#watched.get(key);
    if (!watched) return;
    this.#buffered -= bufferedBy(watched);
    this.#watched.set(key, null);
  }

  #read(key: string, watched: Watched, { sequence, flags, payload }: Segment): void {
    const start = flags & FLAG.syn ? sequence + 1 : sequence;
    const before = bufferedBy(watched);
    this.#buffered -= before;
    const isInTime = watched.stream.push(start >>> 0, payload, (bytes) => {
      if (!watched.isDone) this.#deliver(watched, bytes);
    });
    this.#buffered += bufferedBy(watched);
    if (!isInTime) this.#giveUp(key, watched);
    else if (watched.isDone) this.#settle(key);
    while (this.#buffered > MAX_BUFFERED) this.#dropOldest();
  }

  #deliver(watched: Watched, bytes: Uint8Array): void {
    if (watched.hello === null) {
      if (!beginsHello(bytes, watched.before === 0)) {
        watched.before += bytes.length;
        watched.isDone = watched.before > MAX_BEFORE;
        return;
      }
      watched.hello = Buffer.allocUnsafe(Math.min(MAX_HELLO, Math.max(2_048, bytes.length)));
    }
    append(watched, bytes);
    const status = this.#options.parse(watched.hello, watched.length);
    if (status === 1 && watched.length < MAX_HELLO) return;
    watched.isDone = true;
    this.#report(watched, status !== 1);
  }

  #report({ hello, length, timeMs, client, server, syn, before }: Watched, isComplete: boolean): void {
    if (hello === null || !beginsHello(hello.subarray(0, length), false)) return;
    this.#options.found({
      timeMs,
      client,
      server,
      syn,
      hello: hello.subarray(0, length),
      isComplete,
      before,
    });
  }

  #giveUp(key: string, watched: Watched): void {
    this.counts.givenUp++;
    if (!watched.isDone) this.#report(watched, false);
    this.#settle(key);
  }
}

function bufferedBy({ hello, stream }: Watched): number {
  return (hello?.length ?? 0) + stream.waitingBytes;
}

function append(watched: Watched, bytes: Uint8Array): void {
  const needed = Math.min(MAX_HELLO, watched.length + bytes.length);
  if (needed > watched.hello!.length) {
    const larger = Buffer.allocUnsafe(Math.min(MAX_HELLO, Math.max(needed, watched.hello!.length * 2)));
    watched.hello!.copy(larger, 0, 0, watched.length);
    watched.hello = larger;
  }
  watched.hello!.set(bytes.subarray(0, needed - watched.length), watched.length);
  watched.length = needed;
}

function watchFrom(segment: Segment, timeMs: number, syn: Uint8Array | null): Watched {
  const { source, destination, isV4, sourcePort, destinationPort, sequence } = segment;
  return {
    timeMs,
    client: { ip: source, isV4, port: sourcePort },
    server: { ip: destination, isV4, port: destinationPort },
    syn,
    initial: syn === null ? null : sequence,
    stream: new OrderedStream(syn === null ? sequence : sequence + 1),
    hello: null,
    length: 0,
    before: 0,
    isDone: false,
  };
}

function keyOf({ source, destination, sourcePort, destinationPort }: Segment): string {
  return `${Buffer.from(source).toString('latin1')}${Buffer.from(destination).toString('latin1')}${sourcePort}:${destinationPort}`;
}

/**
 * A handshake record of any SSL 3 or TLS version with a client_hello in front (RFC 8446 sections 4 and 5.1). At the
 * start of a connection its first bytes may come alone.
 */
function beginsHello(bytes: Uint8Array, isStart: boolean): boolean {
  if (bytes.length < 6 && !isStart) return false;
  const [type = 0x16, major = 0x03, minor = 0x03, , , message = 0x01] = bytes;
  return type === 0x16 && major === 0x03 && minor <= 0x04 && message === 0x01;
}
