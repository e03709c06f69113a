/** A DNS server over UDP (RFC 1035) that answers what a test says. */
import { createSocket } from 'node:dgram';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Asked {
  /** Lower case, without the last dot. */
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'PTR' | 'other';
}

/** Records of the type that was asked for, a code of failure (3: no such name), or nothing at all. */
export type DnsReply =
  | { readonly records: readonly string[]; readonly ttl?: number }
  | { readonly code: number }
  | 'silence';

export interface DnsServer {
  /** `IP:port` */
  readonly address: string;
  readonly asked: readonly Asked[];
  answer: (asked: Asked) => DnsReply;
}

const TYPES: Readonly<Record<number, Asked['type']>> = { 1: 'A', 28: 'AAAA', 12: 'PTR' };
export const NO_SUCH_NAME: DnsReply = { code: 3 };
export const SERVER_FAILURE: DnsReply = { code: 2 };

export async function startDns(t: TestContext, answer: DnsServer['answer']): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: Asked[] = [];
  const server = { asked, answer, address: '' };
  socket.on('message', (query, from) => {
    const { name, type, end } = readQuestion(query);
    const question = { name, type: TYPES[type] ?? ('other' as const) };
    asked.push(question);
    const reply = server.answer(question);
    if (reply !== 'silence')
      socket.send(encode(query.subarray(0, end), type, reply), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  t.after(() => socket.close());
  const { port } = socket.address() as AddressInfo;
  server.address = `127.0.0.1:${port}`;
  return server;
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (; query[at] !== 0; at += query[at]! + 1) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!));
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** The query's header and question, turned into an answer. */
function encode(query: Buffer, type: number, reply: Exclude<DnsReply, 'silence'>): Buffer {
  const head = Buffer.from(query);
  const records = 'records' in reply ? reply.records : [];
  head.writeUInt16BE(0x8180 | ('code' in reply ? reply.code : 0), 2);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt32BE(0, 8);
  const ttl = 'records' in reply ? (reply.ttl ?? 300) : 0;
  return Buffer.concat([head, ...records.map((record) => encodeRecord(record, type, ttl))]);
}

function encodeRecord(record: string, type: number, ttl: number): Buffer {
  const data =
    type === 12
      ? encodeName(record)
      : type === 28
        ? encodeIp6(record)
        : Buffer.from(record.split('.').map(Number));
  const head = Buffer.alloc(12);
  // The name is that of the question, at byte 12.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

/** Of the full form, eight groups. */
function encodeIp6(address: string): Buffer {
  return Buffer.from(
    address
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  );
}
