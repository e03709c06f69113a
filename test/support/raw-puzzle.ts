/**
 * A TLS 1.3 client of bytes written by hand, up to the server's answer to its second hello. It reads the
 * puzzle's extension by itself, from the text of draft-venhoek-tls-client-puzzles-00.
 */
import { createECDH, createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export const EXTENSION = 0xff6a;
export const X25519 = 0x001d;
export const P256 = 0x0017;

const u8 = (value: number): Buffer => Buffer.from([value]);
export const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const u24 = (value: number): Buffer => Buffer.from([value >> 16, (value >> 8) & 0xff, value & 0xff]);
const behind8 = (bytes: Buffer): Buffer => Buffer.concat([u8(bytes.length), bytes]);
const behind16 = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);

export type Extension = readonly [type: number, content: Buffer];

export interface Hello {
  readonly random: Buffer;
  readonly sessionId: Buffer;
  readonly ciphers: readonly number[];
  readonly extensions: readonly Extension[];
}

function keyFor(group: number): Buffer {
  if (group === P256) return createECDH('prime256v1').generateKeys();
  return generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
}

export function keyShare(...groups: number[]): Extension {
  const shares = groups.map((group) => Buffer.concat([u16(group), behind16(keyFor(group))]));
  return [51, behind16(Buffer.concat(shares))];
}

/** Types behind a length of one byte, then the body behind one of two. */
export function puzzleContent(types: readonly number[], body: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([behind8(Buffer.concat(types.map(u16))), behind16(body)]);
}

export interface HelloOptions {
  readonly name?: string;
  /** Content of the puzzle's extension; null leaves it out. */
  readonly puzzle?: Buffer | null;
  readonly groups?: readonly number[];
  readonly shares?: readonly number[];
  readonly more?: readonly Extension[];
}

export function makeHello({
  name = 'puzzle.test',
  puzzle = puzzleContent([0x1a1a, 0, 1]),
  groups = [X25519, P256],
  shares = [X25519],
  more = [],
}: HelloOptions = {}): Hello {
  const extensions: Extension[] = [
    [0, behind16(Buffer.concat([u8(0), behind16(Buffer.from(name, 'latin1'))]))],
    [43, behind8(u16(0x0304))],
    [10, behind16(Buffer.concat(groups.map(u16)))],
    [13, behind16(Buffer.concat([0x0403, 0x0804, 0x0401].map(u16)))],
    keyShare(...shares),
    ...(puzzle === null ? [] : [[EXTENSION, puzzle] as const]),
    ...more,
  ];
  return { random: randomBytes(32), sessionId: randomBytes(32), ciphers: [0x1301, 0x1302], extensions };
}

/** With other contents in place of some extensions; null leaves one out, a new type goes to the end. */
export function changed(hello: Hello, changes: readonly (readonly [number, Buffer | null])[]): Hello {
  let extensions = [...hello.extensions];
  for (const [type, content] of changes) {
    const at = extensions.findIndex(([each]) => each === type);
    if (content === null) extensions = extensions.filter(([each]) => each !== type);
    else if (at === -1) extensions.push([type, content]);
    else extensions[at] = [type, content];
  }
  return { ...hello, extensions };
}

export function encodeHello({ random, sessionId, ciphers, extensions }: Hello): Buffer {
  const body = Buffer.concat([
    u16(0x0303),
    random,
    behind8(sessionId),
    behind16(Buffer.concat(ciphers.map(u16))),
    behind8(u8(0)),
    behind16(
      Buffer.concat(extensions.map(([type, content]) => Buffer.concat([u16(type), behind16(content)]))),
    ),
  ]);
  const message = Buffer.concat([u8(1), u24(body.length), body]);
  return Buffer.concat([u8(22), u16(0x0301), behind16(message)]);
}

/** What a server says first. */
export type Answer =
  | { readonly kind: 'alert'; readonly alert: number }
  | { readonly kind: 'closed' }
  | { readonly kind: 'hello'; readonly group: number }
  | {
      readonly kind: 'retry';
      readonly group: number;
      readonly puzzle: Buffer | null;
      readonly order: number[];
    };

/** The random of a HelloRetryRequest: the SHA-256 of its name (RFC 8446 section 4.1.3). */
const RETRY = createHash('sha256').update('HelloRetryRequest').digest();

function readAnswer(message: Buffer): Answer {
  const isRetry = message.subarray(6, 38).equals(RETRY);
  let at = 38 + 1 + message[38]! + 3 + 2;
  const order: number[] = [];
  let group = 0;
  let puzzle: Buffer | null = null;
  while (at < message.length) {
    const type = message.readUInt16BE(at);
    const content = message.subarray(at + 4, at + 4 + message.readUInt16BE(at + 2));
    order.push(type);
    if (type === 51) group = content.readUInt16BE(0);
    if (type === EXTENSION) puzzle = content;
    at += 4 + content.length;
  }
  return isRetry ? { kind: 'retry', group, puzzle, order } : { kind: 'hello', group };
}

/** The fields of a challenge in a HelloRetryRequest. */
export interface Puzzle {
  readonly types: readonly number[];
  readonly difficulty: number;
  readonly salt: Buffer;
}

export function readPuzzle(content: Buffer): Puzzle {
  const typesEnd = 1 + content[0]!;
  const types: number[] = [];
  for (let at = 1; at < typesEnd; at += 2) types.push(content.readUInt16BE(at));
  const body = content.subarray(typesEnd + 2);
  if (content.readUInt16BE(typesEnd) !== body.length) throw new Error('the body has another length');
  const salt = body.subarray(4);
  if (body.readUInt16BE(2) !== salt.length) throw new Error('the salt has another length');
  return { types, difficulty: body.readUInt16BE(0), salt };
}

/** The bits of a solution of type 1 or 2. */
export function zeroBits(type: number, solution: bigint, salt: Buffer): number {
  const nonce = Buffer.alloc(8);
  nonce.writeBigUInt64BE(solution);
  const [name, label] =
    type === 1 ? ['sha256', 'TLS SHA256CPUPuzzle\0'] : ['sha512', 'TLS SHA512CPUPuzzle\0'];
  const digest = createHash(name!).update(nonce).update(salt).update(label!, 'latin1').digest();
  const first = digest.findIndex((byte) => byte !== 0);
  return first === -1 ? digest.length * 8 : first * 8 + Math.clz32(digest[first]!) - 24;
}

/** The first number that has the bits, or that has not. */
export function findSolution({ types: [type], difficulty, salt }: Puzzle, right = true): bigint {
  for (let solution = 0n; ; solution++) {
    if (zeroBits(type!, solution, salt) >= difficulty === right) return solution;
  }
}

export function answerContent(type: number, solution: bigint): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigUInt64BE(solution);
  return puzzleContent([type], body);
}

/** Where a client connects from; left out: anywhere. */
export interface LocalEnd {
  readonly localAddress?: string;
  readonly localPort?: number;
}

/** A connection that reads whole records. */
export class RawClient {
  readonly socket: Socket;
  /** The client's own port. */
  port = 0;
  #bytes = Buffer.alloc(0);
  #closed = false;
  /** Types of the records that came, in their order. */
  readonly records: number[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
    });
  }

  /** @param local Its own address and port, for a client that has been there before. */
  static async open(port: number, local: LocalEnd = {}): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', ...local });
    const client = new RawClient(socket);
    await once(socket, 'connect');
    client.port = socket.localPort!;
    return client;
  }

  async #record(): Promise<{ readonly type: number; readonly body: Buffer } | null> {
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt16BE(3)) {
        const end = 5 + bytes.readUInt16BE(3);
        this.#bytes = bytes.subarray(end);
        this.records.push(bytes[0]!);
        return { type: bytes[0]!, body: bytes.subarray(5, end) };
      }
      if (this.#closed) return null;
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]).catch(() => {});
    }
  }

  /** Sends a hello and returns the server's answer to it. */
  async say(hello: Hello): Promise<Answer> {
    this.socket.write(encodeHello(hello));
    return this.hear();
  }

  /** The server's next answer. */
  async hear(): Promise<Answer> {
    for (;;) {
      const record = await this.#record();
      if (record === null) return { kind: 'closed' };
      if (record.type === 21) return { kind: 'alert', alert: record.body[1]! };
      if (record.type === 22) return readAnswer(record.body);
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

/** The second hello of a client that solves, before `changes`. */
export function secondHello(
  first: Hello,
  answer: Answer & { kind: 'retry' },
  changes: readonly (readonly [number, Buffer | null])[] = [],
): Hello {
  const puzzle = readPuzzle(answer.puzzle!);
  const solution = answerContent(puzzle.types[0]!, findSolution(puzzle));
  return changed(first, [keyShare(answer.group), [EXTENSION, solution], ...changes]);
}
