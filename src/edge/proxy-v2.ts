/**
 * The PROXY protocol, version 2 (haproxy's proxy-protocol.txt, section 2.2): the header that tells a TCP
 * upstream whose connection it carries, and what TLS said about it.
 */
import { isIPv6 } from 'node:net';
import { parseIp } from '../orchestrator/ip.ts';
import { crc32c } from './crc32c.ts';
import {
  TLV,
  TLV_HEAD_BYTES,
  V2_COMMAND,
  V2_COMMAND_AT,
  V2_FAMILY,
  V2_FAMILY_AT,
  V2_HEAD_BYTES,
  V2_LENGTH_AT,
  V2_SIGNATURE,
} from './proxy-format.ts';

export interface ProxyHeader {
  readonly sourceIp: string;
  readonly sourcePort: number;
  /** Where the client connected to. */
  readonly destinationIp: string;
  readonly destinationPort: number;
  readonly alpn: string | null;
  /** The server_name the client sent. */
  readonly authority: string | null;
  /** Names of OpenSSL: `TLSv1.3`. Null when the connection carries TLS that ends elsewhere. */
  readonly tls: { readonly version: string; readonly cipher: string } | null;
  /** 0 (good) to 100 (bad). */
  readonly score: number;
  readonly policy: string;
  readonly ja4: string;
}

/** The client used TLS, and showed no certificate. */
const CLIENT_SSL = 0x01;
const NOT_VERIFIED = 1;
/** Longest value of one field; a name in DNS has at most 255 bytes. */
const MAX_VALUE = 255;

/**
 * The header's bytes, checksum included. Addresses go as IPv4 when both are, else as IPv6.
 * An address that is none goes as the unspecified one.
 */
export function encodeProxyV2(header: ProxyHeader): Buffer {
  const v6 = isV6(header.sourceIp) || isV6(header.destinationIp);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(header.sourcePort, 0);
  ports.writeUInt16BE(header.destinationPort, 2);
  const fields = [
    addressBytes(header.sourceIp, v6),
    addressBytes(header.destinationIp, v6),
    ports,
    ...(header.alpn ? [tlv(TLV.alpn, header.alpn)] : []),
    ...(header.authority ? [tlv(TLV.authority, header.authority)] : []),
    ...(header.tls ? [sslField(header.tls)] : []),
    tlv(TLV.score, String(header.score)),
    tlv(TLV.policy, header.policy),
    tlv(TLV.ja4, header.ja4),
    tlv(TLV.crc32c, Buffer.alloc(4)),
  ];
  const start = Buffer.alloc(V2_HEAD_BYTES);
  V2_SIGNATURE.copy(start);
  start.writeUInt8(V2_COMMAND.proxy, V2_COMMAND_AT);
  start.writeUInt8(v6 ? V2_FAMILY.tcp6 : V2_FAMILY.tcp4, V2_FAMILY_AT);
  start.writeUInt16BE(
    fields.reduce((length, field) => length + field.length, 0),
    V2_LENGTH_AT,
  );
  const bytes = Buffer.concat([start, ...fields]);
  // why: the checksum covers the whole header, with itself as zero, and stands at the end.
  bytes.writeUInt32BE(crc32c(bytes), bytes.length - 4);
  return bytes;
}

function sslField({ version, cipher }: NonNullable<ProxyHeader['tls']>): Buffer {
  const start = Buffer.alloc(5);
  start.writeUInt8(CLIENT_SSL, 0);
  start.writeUInt32BE(NOT_VERIFIED, 1);
  return tlv(TLV.ssl, Buffer.concat([start, tlv(TLV.sslVersion, version), tlv(TLV.sslCipher, cipher)]));
}

function tlv(type: number, value: string | Buffer): Buffer {
  const bytes = (typeof value === 'string' ? Buffer.from(value, 'utf8') : value).subarray(0, MAX_VALUE);
  const head = Buffer.alloc(TLV_HEAD_BYTES);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function isV6(address: string): boolean {
  return isIPv6(address) && parseIp(address)?.isV4 === false;
}

function addressBytes(address: string, v6: boolean): Uint8Array {
  const ip = parseIp(address)?.ip ?? new Uint8Array(16);
  return v6 ? ip : ip.subarray(12);
}
