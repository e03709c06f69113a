/** TCP SYNs made to order, and what p0f says of them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SynParts {
  readonly version?: 4 | 6;
  readonly ttl?: number;
  /** IPv4 only. */
  readonly id?: number;
  /** IPv4 only: reserved bit, DF, MF. */
  readonly ipFlags?: number;
  /** IPv4 only: a multiple of 4 bytes. */
  readonly ipOptions?: Uint8Array;
  /** IPv6 only. */
  readonly flow?: number;
  /** The lowest two bits of the traffic class. */
  readonly ecn?: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  /** Beside SYN: FIN 1, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128. */
  readonly flags?: number;
  readonly nonce?: boolean;
  readonly window?: number;
  readonly urgent?: number;
  /** Padded with end marks to a multiple of 4 bytes, at most 40. */
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
  /** Tells packets of one capture apart: the source address. */
  readonly source?: number;
}

const TCP = 6;
const SYN = 2;

export function synPacket(parts: SynParts = {}): Buffer {
  const tcp = tcpSegment(parts);
  return Buffer.concat([
    parts.version === 6 ? ip6Header(parts, tcp.length) : ip4Header(parts, tcp.length),
    tcp,
  ]);
}

function tcpSegment(parts: SynParts): Buffer {
  const options = Buffer.alloc((((parts.options?.length ?? 0) + 3) >> 2) << 2);
  options.set(parts.options ?? []);
  const header = Buffer.alloc(20);
  header.writeUInt16BE(40_000, 0);
  header.writeUInt16BE(443, 2);
  header.writeUInt32BE(parts.sequence ?? 1, 4);
  header.writeUInt32BE(parts.acknowledgement ?? 0, 8);
  header[12] = ((20 + options.length) << 2) | (parts.nonce ? 1 : 0);
  header[13] = SYN | (parts.flags ?? 0);
  header.writeUInt16BE(parts.window ?? 64_240, 14);
  header.writeUInt16BE(parts.urgent ?? 0, 18);
  return Buffer.concat([header, options, parts.payload ?? new Uint8Array(0)]);
}

function ip4Header(parts: SynParts, length: number): Buffer {
  const options = parts.ipOptions ?? new Uint8Array(0);
  const header = Buffer.alloc(20);
  header[0] = 0x40 | ((20 + options.length) >> 2);
  header[1] = parts.ecn ?? 0;
  header.writeUInt16BE(20 + options.length + length, 2);
  header.writeUInt16BE(parts.id ?? 1, 4);
  header.writeUInt16BE((parts.ipFlags ?? 2) << 13, 6);
  header[8] = parts.ttl ?? 64;
  header[9] = TCP;
  header.writeUInt32BE(0x0a00_0000 + (parts.source ?? 1), 12);
  header.writeUInt32BE(0xc000_0201, 16);
  return Buffer.concat([header, options]);
}

function ip6Header(parts: SynParts, length: number): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt32BE((6 << 28) | ((parts.ecn ?? 0) << 20) | (parts.flow ?? 0), 0);
  header.writeUInt16BE(length, 4);
  header[6] = TCP;
  header[7] = parts.ttl ?? 64;
  header.writeUInt32BE(0x2001_0db8, 8);
  header.writeUInt32BE(parts.source ?? 1, 20);
  header.writeUInt32BE(0x2001_0db8, 24);
  header[39] = 1;
  return header;
}

/** The raw signature that p0f gives each packet, by its source; null when there is no p0f here. */
export function askP0f(packets: readonly Buffer[]): Map<string, string> | null {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-p0f-'));
  try {
    const capture = join(folder, 'syns.pcap');
    const log = join(folder, 'p0f.log');
    writeFileSync(capture, pcap(packets));
    const { error, status, stdout } = spawnSync('p0f', ['-r', capture, '-o', log], { encoding: 'utf8' });
    if (error) return null;
    if (status !== 0) throw new Error(`p0f failed: ${stdout}`);
    const found = readFileSync(log, 'utf8').matchAll(/mod=syn\|cli=([^/|]+)\/.*\|raw_sig=(.*)$/gm);
    return new Map([...found].map(([, source, signature]) => [source!, signature!]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const LINKTYPE_RAW = 101;

/** A capture of bare IP packets, a second apart. */
function pcap(packets: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  const records = packets.flatMap((packet, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_000_000_000 + i, 0);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    return [record, packet];
  });
  return Buffer.concat([header, ...records]);
}
