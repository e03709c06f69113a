/** From what is on the wire to the body of the first handshake message. */
import { Reader, Refused } from './reader.ts';

export type Proto = 'tls' | 'dtls' | 'quic';

/** The body, how it came, and whether bytes follow it; null when more is needed. */
export interface Reassembled {
  readonly body: Buffer;
  readonly records: number;
  readonly consumed: number;
  /** Length of the message with its header. */
  readonly bytes: number;
  readonly trailing: boolean;
}

const MAX_RECORD = 16_384;

class NeedMore extends Error {}

export function reassemble(
  wire: Uint8Array,
  form: 'records' | 'handshake',
  proto: Proto,
  limit: number,
): Reassembled | null {
  const stream = new Reader(wire);
  try {
    if (form === 'handshake') return proto === 'dtls' ? dtlsMessage(stream, limit) : message(stream, limit);
    return proto === 'dtls' ? dtlsRecords(stream, limit) : tlsRecords(stream, limit);
  } catch (error) {
    if (error instanceof Refused && error.status === 'need_more') return null;
    if (error instanceof NeedMore) return null;
    throw error;
  }
}

/** RFC 8446 4: type 1, length of 24 bits. */
function message(stream: Reader, limit: number): Reassembled {
  if (stream.number(1, 'need_more') !== 1) throw new Refused('unexpected_message');
  const length = stream.number(3, 'need_more');
  if (length + 4 > limit) throw new Refused('hello_too_large');
  const body = stream.take(length, 'need_more');
  return { body, records: 0, consumed: stream.at, bytes: length + 4, trailing: stream.left > 0 };
}

/** RFC 8446 5.1: handshake messages may be split over records in any way. */
function tlsRecords(stream: Reader, limit: number): Reassembled {
  const parts: Buffer[] = [];
  for (let records = 1; ; records++) {
    const content = tlsRecord(stream, records === 1);
    parts.push(content.bytes);
    const handshake = Buffer.concat(parts);
    if (handshake.length > 0 && handshake[0] !== 1) throw new Refused('unexpected_message');
    if (handshake.length >= 4) {
      const end = handshake.readUIntBE(1, 3) + 4;
      if (end > limit) throw new Refused('hello_too_large');
      if (content.whole && handshake.length >= end) {
        const body = handshake.subarray(4, end);
        return { body, records, consumed: stream.at, bytes: end, trailing: handshake.length > end };
      }
      if (!content.whole && handshake.length > end) {
        const body = handshake.subarray(4, end);
        return {
          body,
          records,
          consumed: content.end,
          bytes: end,
          trailing: true,
        };
      }
    }
    if (!content.whole) throw new NeedMore();
  }
}

/** The content of the next record, or as much of it as has come. */
function tlsRecord(stream: Reader, first: boolean): { bytes: Buffer; whole: boolean; end: number } {
  const unexpected = first ? 'not_tls' : 'unexpected_record';
  const head = stream.bytes.subarray(stream.at);
  if (head.length === 0) throw new NeedMore();
  const type = head[0]!;
  if (type < 20 || type > 26) {
    if (!first) throw new Refused('unexpected_record');
    throw sslv2(head);
  }
  if (head.length >= 2 && head[1] !== 3) throw new Refused(unexpected);
  if (head.length >= 2 && type !== 22) throw new Refused('unexpected_record');
  stream.take(3, 'need_more');
  const length = stream.number(2, 'need_more');
  if (length === 0) throw new Refused('record_empty');
  if (length > MAX_RECORD) throw new Refused('record_too_long');
  const end = stream.at + length;
  const whole = stream.left >= length;
  return { bytes: stream.take(Math.min(length, stream.left), 'need_more'), whole, end };
}

/** SSL 2.0: a length of 15 bits after a set bit, type 1, then the version. */
function sslv2(head: Buffer): Error {
  if (head[0]! < 0x80) return new Refused('not_tls');
  if (head.length >= 3 && head[2] !== 1) return new Refused('not_tls');
  if (head.length < 5) return new NeedMore();
  const isVersion = head.readUInt16BE(3) === 2 || head[3] === 3;
  return new Refused(isVersion ? 'sslv2_hello' : 'not_tls');
}

interface Fragment {
  readonly total: number;
  readonly sequence: number;
  readonly from: number;
  readonly bytes: Buffer;
}

/** RFC 6347 4.2.2: type, length, message_seq, fragment_offset, fragment_length. */
function fragment(content: Reader): Fragment {
  const header = new Reader(content.take(12, 'fragment_mismatch'));
  if (header.number(1, '') !== 1) throw new Refused('unexpected_message');
  const total = header.number(3, '');
  const sequence = header.number(2, '');
  const from = header.number(3, '');
  const length = header.number(3, '');
  if (from + length > total || length > content.left) throw new FragmentTooLong(total);
  return { total, sequence, from, bytes: content.take(length, 'fragment_mismatch') };
}

/** Thrown with the announced total, since a message above the limit is named first. */
class FragmentTooLong extends Refused {
  readonly total: number;

  constructor(total: number) {
    super('fragment_mismatch');
    this.total = total;
  }
}

function dtlsRecords(stream: Reader, limit: number): Reassembled {
  let known: Fragment | null = null;
  let body = Buffer.alloc(0);
  let seen: boolean[] = [];
  for (let records = 1; ; records++) {
    const content = new Reader(dtlsRecord(stream, records === 1));
    while (content.left > 0) {
      const next = readFragment(content, known === null ? limit : Number.POSITIVE_INFINITY);
      if (known === null) {
        known = next;
        body = Buffer.alloc(next.total);
        seen = new Array(next.total).fill(false);
      }
      if (next.total !== known.total || next.sequence !== known.sequence) {
        throw new Refused('fragment_mismatch');
      }
      next.bytes.forEach((byte, i) => {
        const at = next.from + i;
        if (seen[at] && body[at] !== byte) throw new Refused('fragment_mismatch');
        body[at] = byte;
        seen[at] = true;
      });
    }
    if (seen.every(Boolean)) {
      return { body, records, consumed: stream.at, bytes: body.length + 12, trailing: false };
    }
  }
}

function readFragment(content: Reader, limit: number): Fragment {
  try {
    const next = fragment(content);
    if (next.total + 12 > limit) throw new Refused('hello_too_large');
    return next;
  } catch (error) {
    if (error instanceof FragmentTooLong && error.total + 12 > limit) throw new Refused('hello_too_large');
    throw error;
  }
}

/** RFC 6347 4.1: type, version, epoch, sequence number, length. */
function dtlsRecord(stream: Reader, first: boolean): Buffer {
  const head = stream.bytes.subarray(stream.at);
  if (head.length === 0) throw new NeedMore();
  if (head[0] !== 22) {
    throw new Refused(first && (head[0]! < 20 || head[0]! > 26) ? 'not_tls' : 'unexpected_record');
  }
  if (head.length >= 2 && head[1] !== 0xfe) throw new Refused(first ? 'not_tls' : 'unexpected_record');
  const header = stream.take(13, 'need_more');
  if (header.readUInt16BE(3) !== 0) throw new Refused('unexpected_record');
  const length = header.readUInt16BE(11);
  if (length === 0) throw new Refused('record_empty');
  if (length > MAX_RECORD) throw new Refused('record_too_long');
  return stream.take(length, 'need_more');
}

/** A whole message with its header of 12 bytes. */
function dtlsMessage(stream: Reader, limit: number): Reassembled {
  if (stream.left > 0 && stream.bytes[0] !== 1) throw new Refused('unexpected_message');
  const header = stream.take(12, 'need_more');
  const total = header.readUIntBE(1, 3);
  if (total + 12 > limit) throw new Refused('hello_too_large');
  if (header.readUIntBE(6, 3) !== 0 || header.readUIntBE(9, 3) !== total) {
    throw new Refused('fragment_mismatch');
  }
  const body = stream.take(total, 'need_more');
  return { body, records: 0, consumed: stream.at, bytes: total + 12, trailing: stream.left > 0 };
}
