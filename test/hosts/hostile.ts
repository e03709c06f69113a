/** First bytes and SYNs that no proper client sends, made from those of one that is. */
import {
  FORM_HANDSHAKE,
  FORM_RECORDS,
  PROTO_DTLS,
  PROTO_QUIC,
  PROTO_TLS,
} from '../../src/core/layout.gen.ts';
import { grown, intoRecords } from '../support/hello.ts';

export interface HelloCase {
  readonly name: string;
  readonly form: number;
  readonly proto: number;
  readonly hello: Uint8Array;
}

/** `hello` is one record. */
export function hostileHellos(hello: Uint8Array): HelloCase[] {
  const record = Buffer.from(hello);
  const inRecords = (name: string, bytes: Uint8Array, proto = PROTO_TLS): HelloCase => ({
    ...{ name, form: FORM_RECORDS, proto, hello: bytes },
  });
  return [
    inRecords('in-records-of-20', intoRecords(record, 20)),
    { name: 'bare-message', form: FORM_HANDSHAKE, proto: PROTO_QUIC, hello: record.subarray(5) },
    inRecords('nothing', new Uint8Array()),
    inRecords('cut-short', record.subarray(0, 100)),
    inRecords('duplicate-extension', grown(grown(record, 4), 4)),
    inRecords('extension-of-12000', grown(record, 12_000)),
    inRecords('message-too-large', grown(record, 20_000)),
    inRecords('length-past-the-end', patched(record, 43, 255)),
    inRecords('ssl2', Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0', 'hex')),
    inRecords('http', Buffer.from('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n')),
    inRecords('alert-record', Buffer.from('15030100020228', 'hex')),
    inRecords('empty-record', Buffer.from('1603010000', 'hex')),
    inRecords('tls-read-as-dtls', record, PROTO_DTLS),
  ];
}

/** `syn` is a whole IPv4 SYN with TCP options. */
export function hostileSyns(syn: Uint8Array): { readonly name: string; readonly syn: Uint8Array }[] {
  const packet = Buffer.from(syn);
  const acknowledged = patched(packet, 33, packet[33]! | 0x10);
  return [
    { name: 'syn-far-away', syn: patched(packet, 8, 48) },
    { name: 'syn-cut-short', syn: packet.subarray(0, 30) },
    { name: 'syn-with-ack', syn: acknowledged },
    { name: 'syn-fragment', syn: patched(packet, 6, 0x20) },
    { name: 'syn-option-too-long', syn: patched(packet, 41, 40) },
    { name: 'no-syn', syn: new Uint8Array() },
  ];
}

function patched(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}
