/** Hostile ClientHellos: good ones, damaged in the ways that parsers fall for. */

import type { Form, Proto } from '../support/hello-answers.ts';
import { alpn, codes, helloMessage, inRecords, serverName, u16, vector } from '../support/hello-bytes.ts';

/** A generator that a seed repeats (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to `below` - 1. */
  next(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % below;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.next(values.length)]!;
  }
}

export interface Sample {
  readonly bytes: Buffer;
  readonly form: Form;
  readonly proto: Proto;
}

const INTERESTING = [0, 1, 2, 3, 0x0a, 0x16, 0x20, 0x2e, 0x40, 0x7f, 0x80, 0xfe, 0xff];
const MAX_CHANGES = 6;

/** Hellos that between them have every extension the core knows. */
export function seedHellos(): Sample[] {
  const empty = Buffer.alloc(0);
  const share = (group: number, size: number): Buffer =>
    Buffer.concat([u16(group), vector(2, Buffer.alloc(size, 3))]);
  const psk = Buffer.concat([
    vector(2, vector(2, Buffer.from('ticket')), Buffer.alloc(4)),
    vector(2, vector(1, Buffer.alloc(32))),
  ]);
  const browser = helloMessage({
    sessionId: Buffer.alloc(32, 1),
    ciphers: [0x1a1a, 0x1301, 0x1302, 0xc02b, 0xc02f],
    extensions: [
      [0x2a2a, empty],
      [0, serverName('Shop.Example.')],
      [23, empty],
      [0xff01, Buffer.from([0])],
      [10, codes([0x3a3a, 0x11ec, 29, 23])],
      [11, vector(1, Buffer.from([0]))],
      [35, empty],
      [16, alpn('h2', 'http/1.1')],
      [5, Buffer.from([1, 0, 0, 0, 0])],
      [13, codes([0x0403, 0x0804, 0x0401])],
      [18, empty],
      [51, vector(2, share(0x3a3a, 1), share(0x11ec, 40), share(29, 32))],
      [45, vector(1, Buffer.from([0x0b, 1]))],
      [43, codes([0x4a4a, 0x0304, 0x0303], 1)],
      [27, codes([2], 1)],
      [17_613, vector(2, vector(1, Buffer.from('h2')))],
      [0xfe0d, Buffer.alloc(20)],
      [28, u16(0x4001)],
      [34, codes([0x0403])],
      [50, codes([0x0403])],
      [42, empty],
      [44, vector(2, Buffer.from('cookie'))],
      [47, vector(2, vector(2, Buffer.from('name')))],
      [41, psk],
    ],
  });
  const old = helloMessage({ version: 0x0301, ciphers: [0x002f, 0x000a, 0x00ff], extensions: null });
  return [browser, old].flatMap((message) => [
    { bytes: inRecords(message), form: 'records', proto: 'tls' },
    { bytes: inRecords(message, [3, 40, 1]), form: 'records', proto: 'tls' },
    { bytes: message, form: 'handshake', proto: 'quic' },
    { bytes: inDatagrams(message, [message.length]), form: 'records', proto: 'dtls' },
    { bytes: inDatagrams(message, [30, 60]), form: 'records', proto: 'dtls' },
  ]);
}

/** A TLS message as DTLS 1.2 records of one fragment each, with an empty cookie added. */
export function inDatagrams(message: Uint8Array, sizes: readonly number[]): Buffer {
  const sessionEnd = 4 + 34 + 1 + message[38]!;
  const body = Buffer.concat([
    Buffer.from([0xfe, 0xfd]),
    message.subarray(6, sessionEnd),
    Buffer.from([0]),
    message.subarray(sessionEnd),
  ]);
  const records: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, body.length]) {
    const part = body.subarray(at, at + size);
    if (part.length === 0) continue;
    const header = Buffer.alloc(12);
    header[0] = 1;
    header.writeUIntBE(body.length, 1, 3);
    header.writeUIntBE(at, 6, 3);
    header.writeUIntBE(part.length, 9, 3);
    records.push(Buffer.from([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, records.length]), vector(2, header, part));
    at += part.length;
  }
  return Buffer.concat(records);
}

/** One to six changes to a hello; another hello of the corpus may be spliced in. */
export function mutate(random: Random, corpus: readonly Sample[]): Sample {
  const sample = random.pick(corpus);
  let bytes: Buffer = Buffer.from(sample.bytes);
  for (let changes = 1 + random.next(MAX_CHANGES); changes > 0; changes--) {
    bytes = change(random, bytes, corpus);
  }
  return { ...sample, bytes };
}

function change(random: Random, bytes: Buffer, corpus: readonly Sample[]): Buffer {
  const at = random.next(bytes.length + 1);
  switch (random.next(8)) {
    case 0:
      if (at < bytes.length) bytes[at]! ^= 1 << random.next(8);
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = random.pick(INTERESTING);
      return bytes;
    case 2:
      // Most bytes before others are lengths: one more, one less.
      if (at < bytes.length) bytes[at] = (bytes[at]! + random.pick([1, 255])) & 255;
      return bytes;
    case 3:
      if (at + 2 <= bytes.length) bytes.writeUInt16BE(random.pick([0, 1, 0xff, 0x100, 0x4000, 0xffff]), at);
      return bytes;
    case 4:
      return Buffer.from(bytes.subarray(0, at));
    case 5: {
      const length = random.next(12);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    }
    case 6: {
      const from = random.next(bytes.length + 1);
      const piece = bytes.subarray(from, from + 1 + random.next(40));
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    }
    default: {
      const other = random.pick(corpus).bytes;
      const from = random.next(other.length + 1);
      const piece = other.subarray(from, from + random.next(200));
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + piece.length)]);
    }
  }
}
