/**
 * Reads the header that a proxy puts before a connection to say whose it is: PROXY protocol, versions 1 and 2
 * (haproxy's proxy-protocol.txt, sections 2.1 and 2.2).
 */
import { parseIp } from '../pdl/ip.ts';
import { crc32c } from './crc32c.ts';
import {
  MAX_V1_BYTES,
  TLV,
  TLV_HEAD_BYTES,
  V1_PREFIX,
  V2_ADDRESS_BYTES,
  V2_COMMAND,
  V2_COMMAND_AT,
  V2_FAMILY,
  V2_FAMILY_AT,
  V2_HEAD_BYTES,
  V2_LENGTH_AT,
  V2_SIGNATURE,
} from './proxy-format.ts';

/** A longer header is refused; the protocol lets senders use 536 bytes without being asked. */
export const MAX_HEADER_BYTES = 4_096;

export interface ReceivedHeader {
  readonly length: number;
  /** The proxy speaks for itself, as in a health check. */
  readonly isLocal: boolean;
  /** Whom it speaks for; null when it does not know, or speaks for itself. */
  readonly client: { readonly ip: Uint8Array; readonly isV4: boolean; readonly port: number } | null;
}

/** `more`: not whole yet. `none`: the bytes are no header. Else the header, or what is wrong with it. */
export type HeaderRead = 'more' | 'none' | ReceivedHeader | { readonly problem: string };

const V4_MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** Looks at the first bytes of a connection, as many as came. */
export function readProxyHeader(bytes: Uint8Array): HeaderRead {
  if (beginsLike(bytes, V1_PREFIX)) return bytes.length < V1_PREFIX.length ? 'more' : readV1(bytes);
  if (!beginsLike(bytes, V2_SIGNATURE)) return 'none';
  return bytes.length < V2_HEAD_BYTES ? earlyV2(bytes) : readV2(bytes);
}

/** As far as there are bytes. */
function beginsLike(bytes: Uint8Array, prefix: Uint8Array): boolean {
  const length = Math.min(bytes.length, prefix.length);
  for (let i = 0; i < length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

const problem = (text: string): { readonly problem: string } => ({ problem: text });

function readV1(bytes: Uint8Array): HeaderRead {
  const end = bytes.subarray(0, MAX_V1_BYTES).indexOf(0x0a);
  if (end === -1) {
    if (bytes.length < MAX_V1_BYTES) return 'more';
    return problem(`a PROXY line is longer than ${MAX_V1_BYTES} bytes`);
  }
  const line = Buffer.from(bytes.subarray(0, end)).toString('latin1');
  const length = end + 1;
  if (!line.endsWith('\r')) return problem('a PROXY line does not end in CR LF');
  const [, protocol, ...rest] = line.slice(0, -1).split(' ');
  if (protocol === 'UNKNOWN') return { length, isLocal: false, client: null };
  if (protocol !== 'TCP4' && protocol !== 'TCP6')
    return problem('a PROXY line is neither TCP4, TCP6 nor UNKNOWN');
  const [source = '', destination = '', ...ports] = rest;
  const family = protocol === 'TCP4' ? '.' : ':';
  const isSound =
    ports.length === 2 &&
    ports.every((port) => /^(?:0|[1-9]\d{0,4})$/.test(port) && Number(port) <= 0xffff) &&
    [source, destination].every((text) => parseIp(text) !== null && text.includes(family));
  if (!isSound || (protocol === 'TCP4' && rest.some((text) => text.includes(':')))) {
    return problem('a PROXY line does not hold two addresses and two ports');
  }
  return { length, isLocal: false, client: clientAt(parseIp(source)!, Number(ports[0])) };
}

/** What a head that is not whole tells already. */
function earlyV2(bytes: Uint8Array): HeaderRead {
  return bytes.length > V2_COMMAND_AT ? (commandProblem(bytes[V2_COMMAND_AT]!) ?? 'more') : 'more';
}

function commandProblem(command: number): { readonly problem: string } | null {
  if (command === V2_COMMAND.local || command === V2_COMMAND.proxy) return null;
  return problem('a PROXY header is of an unknown version or command');
}

function readV2(bytes: Uint8Array): HeaderRead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const command = bytes[V2_COMMAND_AT]!;
  const length = V2_HEAD_BYTES + view.getUint16(V2_LENGTH_AT);
  const wrong = commandProblem(command);
  if (wrong !== null) return wrong;
  if (length > MAX_HEADER_BYTES) return problem(`a PROXY header is longer than ${MAX_HEADER_BYTES} bytes`);
  if (bytes.length < length) return 'more';
  if (command === V2_COMMAND.local) return { length, isLocal: true, client: null };
  const family = FAMILIES.get(bytes[V2_FAMILY_AT]!);
  if (family === undefined) return problem('a PROXY header is not about TCP');
  const fieldsAt = V2_HEAD_BYTES + family.bytes;
  if (fieldsAt > length) return problem('a PROXY header is too short for its addresses');
  const fields = fieldsProblem(bytes.subarray(0, length), fieldsAt);
  if (fields !== null) return problem(fields);
  const { width } = family;
  if (width === 0) return { length, isLocal: false, client: null };
  const ip = new Uint8Array(16);
  ip.set(V4_MAPPED);
  ip.set(bytes.subarray(V2_HEAD_BYTES, V2_HEAD_BYTES + width), 16 - width);
  return { length, isLocal: false, client: clientAt(ip, view.getUint16(V2_HEAD_BYTES + width * 2)) };
}

/** `width`: bytes of one address; 0: none that says where a client is. */
const FAMILIES: ReadonlyMap<number, { readonly bytes: number; readonly width: number }> = new Map([
  [V2_FAMILY.unspecified, { bytes: 0, width: 0 }],
  [V2_FAMILY.tcp4, { bytes: V2_ADDRESS_BYTES.tcp4, width: 4 }],
  [V2_FAMILY.tcp6, { bytes: V2_ADDRESS_BYTES.tcp6, width: 16 }],
  [V2_FAMILY.unixStream, { bytes: V2_ADDRESS_BYTES.unixStream, width: 0 }],
]);

/** Walks the variable fields; a checksum must be right (section 2.2.3), the others are passed over. */
function fieldsProblem(header: Uint8Array, start: number): string | null {
  for (let at = start; at < header.length; ) {
    if (at + TLV_HEAD_BYTES > header.length) return 'a PROXY header ends inside a field';
    const value = at + TLV_HEAD_BYTES;
    const end = value + ((header[at + 1]! << 8) | header[at + 2]!);
    if (end > header.length) return 'a PROXY header ends inside a field';
    if (header[at] === TLV.crc32c && !hasChecksum(header, value, end)) {
      return 'the checksum of a PROXY header is wrong';
    }
    at = end;
  }
  return null;
}

/** The checksum is over the whole header, with itself as zero. */
function hasChecksum(header: Uint8Array, start: number, end: number): boolean {
  if (end - start !== 4) return false;
  const copy = Buffer.from(header);
  const given = copy.readUInt32BE(start);
  copy.fill(0, start, end);
  return crc32c(copy) === given;
}

function clientAt(ip: Uint8Array, port: number): NonNullable<ReceivedHeader['client']> {
  return { ip, isV4: V4_MAPPED.every((byte, index) => ip[index] === byte), port };
}
