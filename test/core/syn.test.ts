import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as L from '../../src/core/layout.gen.ts';
import { statusName } from '../../src/core/status.ts';
import { RawCore } from '../support/raw-core.ts';
import { askP0f, type SynParts, synPacket } from '../support/syn-bytes.ts';

const cores = [new RawCore('scalar', 0x00), new RawCore('simd', 0xff)];
const [core] = cores as [RawCore, RawCore];
const PACKETS_A_RUN = 400;

function parse(packet: Uint8Array, by: RawCore = core): string {
  by.place(packet);
  return statusName(by.exports.sp_parse_syn(packet.length));
}

function signature(packet: Uint8Array, by: RawCore = core): string {
  assert.equal(parse(packet, by), 'complete');
  return by.latin1(L.REGION_SYN, L.SYN_SIG_AT, by.u32(L.REGION_SYN, L.SYN_SIG_LENGTH_AT));
}

function sourceOf(parts: SynParts): string {
  const source = parts.source ?? 1;
  if (parts.version !== 6) return `10.${source >> 16}.${(source >> 8) & 255}.${source & 255}`;
  return `2001:db8:0:0:0:0:${(source >>> 16).toString(16)}:${(source & 0xffff).toString(16)}`;
}

const byte = fc.nat(255);
const rarely = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
const u32 = fc.nat(0xffff_ffff);
const mss = fc.constantFrom(0, 99, 100, 536, 1_360, 1_380, 1_440, 1_460, 8_961, 65_535);
const timestamps = fc
  .tuple(rarely(7, u32), rarely(0, u32))
  .map(([value, echo]) => [
    8,
    10,
    ...[value, echo].flatMap((n) => [n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]),
  ]);
const option: fc.Arbitrary<number[]> = fc.oneof(
  fc.constantFrom<number[]>([1], [1], [0], [4, 2], [2, 4, 5, 180], [3, 3, 7]),
  mss.map((value) => [2, 4, value >> 8, value & 255]),
  fc.constantFrom(0, 7, 14, 15, 255).map((scale) => [3, 3, scale]),
  timestamps,
  fc.constantFrom(9, 10, 18, 34, 35).map((size) => [5, size, ...new Array(Math.max(0, size - 2)).fill(1)]),
  fc.tuple(byte, fc.nat(42)).map(([kind, size]) => [kind, size, ...new Array(Math.min(size, 8)).fill(0)]),
  fc.tuple(fc.constantFrom(2, 3, 4, 8), byte).map(([kind, size]) => [kind, size, 1, 1]),
  fc.array(byte, { maxLength: 6 }),
  fc.constant(new Array(30).fill(1)),
);
const options = fc.array(option, { maxLength: 8 }).map((list) => Uint8Array.from(list.flat().slice(0, 40)));
const syn: fc.Arbitrary<SynParts> = fc.record({
  version: fc.constantFrom<4 | 6>(4, 4, 6),
  ttl: fc.oneof(fc.constantFrom(1, 28, 32, 33, 52, 64, 65, 92, 128, 129, 219, 220, 255), byte),
  id: fc.constantFrom(0, 1),
  ipFlags: fc.constantFrom(0, 2, 2, 2, 4, 6),
  ipOptions: rarely(
    new Uint8Array(0),
    fc.constantFrom(new Uint8Array(4).fill(1), new Uint8Array(40).fill(1)),
  ),
  flow: rarely(0, fc.nat(0xfffff)),
  ecn: rarely(0, fc.nat(3)),
  sequence: rarely(1, fc.constant(0)),
  acknowledgement: rarely(0, u32),
  flags: rarely(0, fc.constantFrom(8, 32, 64, 128, 192, 40)),
  nonce: rarely(false, fc.constant(true)),
  urgent: rarely(0, fc.nat(0xffff)),
  window: fc.oneof(
    fc.constantFrom(0, 1_460, 1_448 * 4, 1_440 * 8, 1_428 * 4, 1_500 * 10, 64_240, 65_535, 29_200),
    fc.nat(0xffff),
    fc
      .tuple(mss, fc.constantFrom(0, -12, 40, 60, 64))
      .map(([m, d]) => Math.min(Math.max(4 * (m + d), 0), 0xffff)),
  ),
  options,
  payload: rarely(new Uint8Array(0), fc.constant(new Uint8Array(5))),
});

test('any SYN has the signature that p0f gives it', (t) => {
  if (askP0f([]) === null) return t.skip('no p0f here');
  const many = fc.array(syn, { minLength: PACKETS_A_RUN, maxLength: PACKETS_A_RUN });
  fc.assert(
    fc.property(many, (list) => {
      const parts = list.map((each, source) => ({ ...each, source: source + 1 }));
      const answers = askP0f(parts.map(synPacket))!;
      for (const each of parts) {
        const expected = answers.get(sourceOf(each));
        // p0f says nothing of what it takes for its own probes.
        if (expected === undefined) continue;
        for (const by of cores) assert.equal(signature(synPacket(each), by), expected, JSON.stringify(each));
      }
      assert.ok(answers.size > PACKETS_A_RUN * 0.95, `p0f answered ${answers.size}`);
    }),
    { numRuns: 8, endOnFailure: true },
  );
});

const OPTIONS = Buffer.from('020405b40402080a00000001000000000103030a', 'hex');

test('a common SYN has its signature and its fields', () => {
  const packet = synPacket({ ttl: 57, options: OPTIONS });
  assert.equal(signature(packet), '4:57+7:0:1460:mss*44,10:mss,sok,ts,nop,ws:df,id+:0');
  const fields = [
    L.SYN_VERSION_AT,
    L.SYN_TTL_AT,
    L.SYN_HOPS_AT,
    L.SYN_MSS_AT,
    L.SYN_WINDOW_AT,
    L.SYN_SCALE_AT,
  ];
  assert.deepEqual(
    fields.map((at) => core.u32(L.REGION_SYN, at)),
    [4, 57, 7, 1_460, 64_240, 10],
  );
});

test('quirks stand in the order of p0f', () => {
  const packet = synPacket({
    ipFlags: 4,
    id: 0,
    ecn: 1,
    sequence: 0,
    acknowledgement: 0x0100_0000,
    urgent: 1,
    flags: 8,
    options: Buffer.from('080a00000000000000010303ff000100', 'hex'),
  });
  const quirks = 'id-,ecn,0+,seq-,ack+,uptr+,pushf+,ts1-,ts2+,opt+,exws';
  assert.equal(signature(packet), `4:64+0:0:0:64240,255:ts,ws,eol+2:${quirks}:0`);
});

test('IPv6 has its own quirk and no identification', () => {
  const packet = synPacket({ version: 6, flow: 5, flags: 32, options: Buffer.from([2, 4, 5, 160]) });
  assert.equal(signature(packet), '6:64+0:0:1440:mss*44,0:mss:flow,urgf+:0');
});

test('a list of options that cannot be followed is bad, and ends', () => {
  for (const [hex, kinds] of [
    ['01010102', 'nop,nop,nop,mss'],
    ['01010303', 'nop,nop,ws'],
    ['01010108', 'nop,nop,nop,ts'],
    ['01010104', 'nop,nop,nop,sok'],
    ['05080000', 'sack'],
    ['050a0000', 'sack'],
    ['1e010000', '?30'],
    ['1e290000', '?30'],
    ['1e050000', '?30'],
  ] as const) {
    const answer = signature(synPacket({ options: Buffer.from(hex, 'hex') }));
    assert.equal(answer, `4:64+0:0:0:64240,0:${kinds}:df,id+,bad:0`, hex);
  }
});

test('an option of known length that claims another is bad, and taken as known', () => {
  const answer = signature(synPacket({ options: Buffer.from('020505b404030301', 'hex') }));
  assert.equal(answer, '4:64+0:0:1460:mss*44,0:mss,sok,ws:df,id+,bad:0');
});

test('more options than p0f looks at are bad', () => {
  const answer = signature(synPacket({ options: new Uint8Array(28).fill(1) }));
  assert.equal(answer, `4:64+0:0:0:64240,0:${new Array(24).fill('nop').join()}:df,id+,bad:0`);
});

test('every proper prefix of a SYN is truncated', () => {
  for (const version of [4, 6] as const) {
    const packet = synPacket({ version, options: OPTIONS });
    for (let length = 0; length < packet.length; length++) {
      assert.equal(parse(packet.subarray(0, length)), 'syn_truncated', `IPv${version}, ${length} bytes`);
    }
  }
});

test('a packet whose own length leaves no room for its headers is truncated', () => {
  const packet = synPacket({ options: OPTIONS });
  packet.writeUInt16BE(packet.length - 1, 2);
  assert.equal(parse(packet), 'syn_truncated');
});

test('the payload counts by the length in the IP header, whether it is there or not', () => {
  const packet = synPacket({ payload: Buffer.from('early') });
  assert.match(signature(packet), /:\+$/);
  assert.match(signature(packet.subarray(0, 40)), /:\+$/);
  assert.match(signature(Buffer.concat([synPacket(), Buffer.from('padding')])), /:0$/);
});

test('other packets are named for what they are not', () => {
  const change = (at: number, value: number, version: 4 | 6 = 4): string => {
    const packet = synPacket({ version });
    packet[at] = value;
    return parse(packet);
  };
  assert.equal(change(0, 0x50), 'syn_not_tcp');
  assert.equal(change(0, 0x44), 'syn_not_tcp');
  assert.equal(change(9, 17), 'syn_not_tcp');
  assert.equal(change(6, 17, 6), 'syn_not_tcp');
  assert.equal(change(6, 44, 6), 'syn_fragment');
  assert.equal(change(6, 0x20), 'syn_fragment');
  assert.equal(change(7, 1), 'syn_fragment');
  assert.equal(change(32, 0x40), 'syn_not_tcp');
  for (const flags of [0, 0x12, 0x06, 0x03]) assert.equal(change(33, flags), 'syn_not_syn');
});

test('a packet that cannot be read makes the facts of the last one unknown', () => {
  const known = (fact: number): boolean =>
    core.u32(L.REGION_SLOTS, fact * L.SLOT_BYTES + L.SLOT_STATE_AT) !== L.STATE_UNKNOWN;
  const facts = [L.FACT_CONN_SYN, L.FACT_CONN_TTL, L.FACT_CONN_MSS, L.FACT_CONN_WINDOW];
  parse(synPacket({ options: OPTIONS }));
  assert.deepEqual(facts.map(known), [true, true, true, true]);
  parse(synPacket());
  assert.deepEqual(facts.map(known), [true, true, false, true]);
  parse(synPacket().subarray(0, 30));
  assert.deepEqual(facts.map(known), [false, false, false, false]);
});

test('any bytes are answered with a status, the same by both builds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(0x45, 0x60, null), (bytes, first) => {
      if (first !== null && bytes.length > 0) bytes[0] = first;
      const [a, b] = cores.map((by) => parse(bytes, by));
      assert.equal(a, b);
      assert.match(a!, /^(complete|syn_.*)$/);
    }),
    { numRuns: 2_000 },
  );
});
