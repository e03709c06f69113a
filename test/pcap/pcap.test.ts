import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { formatIp } from '../../src/orchestrator/ip.ts';
import { type CaptureCounts, type TlsBeginning, TlsConnections } from '../../src/pcap/connections.ts';
import { CaptureError, CaptureReader } from '../../src/pcap/container.ts';
import { captureHello, intoRecords } from '../support/hello.ts';
import {
  frame,
  ipv4Packet,
  ipv6Packet,
  LINK,
  pcapFile,
  pcapngFile,
  START_MS,
  type TcpPart,
  tcpSegment,
} from '../support/pcap-writer.ts';

const hello = await captureHello({ servername: 'shop.example' });
const core = new Core(loadCoreModule());
const OPTIONS = Buffer.from('020405b40402080a0000000100000000', 'hex');
const SYN: TcpPart = { sequence: 999, flags: 'S', options: OPTIONS };

interface Seen {
  readonly found: TlsBeginning[];
  readonly counts: CaptureCounts;
}

/** What a file shows, read in pieces of `size` bytes. @throws CaptureError */
function read(file: Uint8Array, size = file.length, maxConnections?: number): Seen {
  const found: TlsBeginning[] = [];
  const connections = new TlsConnections({
    parse: (bytes, length) => core.parse(bytes, 0, length, 'records', 'tls'),
    found: (beginning) => found.push({ ...beginning, hello: beginning.hello.slice() }),
    ...(maxConnections === undefined ? {} : { maxConnections }),
  });
  const reader = new CaptureReader();
  for (let at = 0; at < file.length; at += size) {
    reader.push(file.slice(at, at + size), (packet) => connections.take(packet));
  }
  reader.end();
  connections.end();
  return { found, counts: connections.counts };
}

const frames = (...parts: readonly TcpPart[]): Buffer[] =>
  parts.map((part) => frame(LINK.ethernet, ipv4Packet(tcpSegment(part), part)));

/** The hello cut into segments of `size` bytes from sequence number 1000 on. */
function segments(size: number, bytes: Buffer = hello, start = 1_000): TcpPart[] {
  const parts: TcpPart[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    parts.push({ sequence: (start + at) >>> 0, payload: bytes.subarray(at, at + size) });
  }
  return parts;
}

function theOne({ found }: Seen): TlsBeginning {
  assert.equal(found.length, 1);
  return found[0]!;
}

for (const bigEndian of [false, true]) {
  for (const nano of [false, true]) {
    const order = `${bigEndian ? 'big' : 'little'}-endian, ${nano ? 'nano' : 'micro'}seconds`;
    test(`pcap and pcapng (${order}) are read alike, however the bytes come`, () => {
      const all = frames(SYN, ...segments(700));
      for (const file of [pcapFile(all, { bigEndian, nano }), pcapngFile(all, { bigEndian, nano })]) {
        for (const size of [file.length, 1, 13, 4_096]) {
          const one = theOne(read(file, size));
          assert.deepEqual(Buffer.from(one.hello), hello);
          assert.equal(one.timeMs, START_MS);
          assert.equal(formatIp(one.client.ip, one.client.isV4), '192.0.2.7');
          assert.deepEqual([one.client.port, one.server.port, one.isComplete], [40_000, 443, true]);
          assert.equal(core.parseSyn(one.syn!), 0);
        }
      }
    });
  }
}

test('a pcapng file with simple packets has no times', () => {
  assert.equal(theOne(read(pcapngFile(frames(SYN, ...segments(2_000)), { simple: true }))).timeMs, 0);
});

for (const [name, link] of Object.entries(LINK)) {
  test(`link layer ${name}: IPv4 and IPv6 are found`, () => {
    for (const packetOf of [
      (body: Buffer): Buffer => ipv4Packet(body),
      (body: Buffer): Buffer => ipv6Packet(body),
    ]) {
      const all = [SYN, ...segments(2_000)].map((part) => frame(link, packetOf(tcpSegment(part))));
      assert.deepEqual(Buffer.from(theOne(read(pcapFile(all, { link }))).hello), hello);
    }
  });
}

test('VLAN tags, IPv6 extension headers and IP in IP are looked through', () => {
  const body = tcpSegment({ sequence: 1_000, payload: hello });
  const hopByHop = Buffer.from([6, 0, 1, 4, 0, 0, 0, 0]);
  const packets = [
    frame(LINK.ethernet, ipv4Packet(body), [0x8100]),
    frame(LINK.ethernet, ipv4Packet(body), [0x88a8, 0x8100]),
    frame(LINK.ethernet, ipv4Packet(body), [0x9100, 0x9200, 0x8100]),
    frame(LINK.ethernet, ipv6Packet(body, 0, hopByHop)),
    frame(LINK.ethernet, ipv4Packet(ipv4Packet(body), {}, 4)),
    frame(LINK.ethernet, ipv4Packet(ipv6Packet(body), {}, 41)),
  ];
  for (const packet of packets) assert.deepEqual(Buffer.from(theOne(read(pcapFile([packet]))).hello), hello);
});

test('padding behind the IP packet is not payload', () => {
  const padded = frames(SYN, ...segments(600)).map((bytes) => Buffer.concat([bytes, Buffer.alloc(18, 0xee)]));
  assert.deepEqual(Buffer.from(theOne(read(pcapFile(padded))).hello), hello);
});

test('segments in any order, twice, and overlapping give the hello once', () => {
  const cuts = fc.array(fc.tuple(fc.nat(hello.length - 1), fc.integer({ min: 1, max: 900 })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(
      cuts,
      fc.integer({ min: 1, max: 0xffff_ffff }),
      fc.infiniteStream(fc.nat()),
      (extra, isn, random) => {
        const start = (isn + 1) >>> 0;
        const parts = [
          ...segments(500, hello, start),
          ...extra.map(([at, length]) => ({
            sequence: (start + at) >>> 0,
            payload: hello.subarray(at, at + length),
          })),
        ];
        const shuffled = parts
          .map((part) => ({ part, key: random.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ part }) => part);
        const seen = read(pcapFile(frames({ ...SYN, sequence: isn }, ...shuffled)));
        assert.deepEqual(Buffer.from(theOne(seen).hello.subarray(0, hello.length)), hello);
      },
    ),
    { numRuns: 60 },
  );
});

test('of bytes that overlap with other content the first stay', () => {
  const forged = Buffer.alloc(300, 0x41);
  const parts = [
    ...segments(600).slice(0, 1),
    { sequence: 1_200, payload: forged },
    ...segments(600).slice(1),
  ];
  assert.deepEqual(Buffer.from(theOne(read(pcapFile(frames(SYN, ...parts)))).hello), hello);
});

test('one byte a segment, and one byte a record, still make a hello', () => {
  assert.deepEqual(Buffer.from(theOne(read(pcapFile(frames(SYN, ...segments(1))))).hello), hello);
  const records = intoRecords(hello, 97);
  assert.equal(theOne(read(pcapFile(frames(SYN, ...segments(50, records))))).hello.length, records.length);
});

test('without its SYN a connection is found by its hello', () => {
  const one = theOne(read(pcapFile(frames(...segments(700)))));
  assert.equal(one.syn, null);
  assert.deepEqual(Buffer.from(one.hello), hello);
});

test('TLS that begins in the middle of a connection is found, with what came before it', () => {
  const before = Buffer.from('EHLO client\r\nSTARTTLS\r\n');
  const parts = [{ sequence: 1_000, payload: before }, ...segments(700, hello, 1_000 + before.length)];
  const one = theOne(read(pcapFile(frames(SYN, ...parts))));
  assert.equal(one.before, before.length);
  assert.deepEqual(Buffer.from(one.hello), hello);
});

test('a hello whose end is missing is told as incomplete; other protocols are not told at all', () => {
  const [first, , ...rest] = segments(400);
  const cut = theOne(read(pcapFile(frames(SYN, first!, ...rest))));
  assert.deepEqual([cut.isComplete, cut.hello.length], [false, 400]);
  const http = { sequence: 1_000, payload: Buffer.from('GET / HTTP/1.1\r\n\r\n') };
  const alert = { sequence: 1_000, payload: Buffer.from('160303000402000000', 'hex') };
  for (const part of [http, alert]) assert.deepEqual(read(pcapFile(frames(SYN, part))).found, []);
});

test('a port used again is another connection; a SYN sent again is not', () => {
  const again = frames(
    SYN,
    SYN,
    ...segments(700),
    { ...SYN, sequence: 4_999 },
    ...segments(700, hello, 5_000),
  );
  assert.equal(read(pcapFile(again)).found.length, 2);
});

test('connections are bounded: the oldest is given up, and counted', () => {
  const many = Array.from({ length: 50 }, (_, index) => ({ ...SYN, sourcePort: 1_000 + index }));
  const late = { sequence: 1_000, payload: hello.subarray(0, 300), sourcePort: 1_000 };
  const { counts, found } = read(pcapFile(frames(...many, late)), undefined, 10);
  assert.equal(counts.givenUp, 41);
  assert.equal(found.length, 1);
});

test('what waits for a gap is bounded', () => {
  const parts = Array.from({ length: 200 }, (_, index) => ({
    sequence: 10_000 + index * 1_000,
    payload: Buffer.alloc(900),
  }));
  assert.equal(read(pcapFile(frames(SYN, ...parts))).counts.givenUp, 1);
});

test('link types that cannot be read are counted', () => {
  const packet = ipv4Packet(tcpSegment({ sequence: 1_000, payload: hello }));
  const { counts } = read(pcapFile([packet], { link: 147 }));
  assert.deepEqual([...counts.foreignLinks], [[147, 1]]);
});

const whole = pcapFile(frames(SYN, ...segments(700)));
const wholeNg = pcapngFile(frames(SYN, ...segments(700)));
const FOREIGN: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
  ['nothing', Buffer.alloc(0), /empty \(at byte 0\)/],
  ['three bytes', Buffer.from('abc'), /before its header does \(at byte 0\)/],
  ['text', Buffer.from('<html> is no capture'), /neither a pcap nor a pcapng file: it begins with 3c68746d/],
  ['gzip', Buffer.from('1f8b0800000000000003', 'hex'), /compressed with gzip/],
  ['half a header', whole.subarray(0, 20), /before its header does/],
  [
    'a packet that is cut off',
    whole.subarray(0, -5),
    /ends inside a packet: it was cut off \(at byte \d{3,}\)/,
  ],
  [
    'a packet of 2 GB',
    patched(whole, 32, 0x7fff_ffff),
    /packet of 2147483647 bytes is no sound one \(at byte 24\)/,
  ],
  ['pcap version 9', patched(whole, 4, 9), /version 9 is not known \(at byte 4\)/],
  ['pcapng without a byte order', patched(wholeNg, 8, 7), /no byte order/],
  ['a pcapng block of 13 bytes', patched(wholeNg, 4, 13), /block of 13 bytes is no sound one/],
  ['a pcapng block that ends otherwise', patched(wholeNg, 24, 40), /ends in another length/],
  [
    'a packet of an unknown interface',
    Buffer.concat([wholeNg.subarray(0, 28), wholeNg.subarray(64)]),
    /interface 0, which the file does not describe/,
  ],
  ['a cut pcapng', wholeNg.subarray(0, -3), /cut off/],
];

function patched(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(value, at);
  return copy;
}

for (const [what, bytes, message] of FOREIGN) {
  test(`refused with a place: ${what}`, () => {
    assert.throws(
      () => read(bytes),
      (error) => error instanceof CaptureError && message.test(error.message),
    );
  });
}

test('damaged captures end in an error with a place or in fewer connections, never otherwise', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(whole, wholeNg), damage, fc.nat(200), (file, changes, cut) => {
      const bytes = Buffer.from(file.subarray(0, file.length - cut));
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      try {
        read(bytes, 100);
      } catch (error) {
        assert.ok(error instanceof CaptureError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});
