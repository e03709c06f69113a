import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { inspectSyn } from '../../src/core/inspect.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { parseSignature, QUIRKS } from '../../src/profile/signature.ts';
import { type StackMatch, StackMatcher } from '../../src/profile/stack-matcher.ts';
import { loadStacks, OWN_STACKS, parseStacks } from '../../src/profile/stacks.ts';
import { ipv4Packet, ipv6Packet, tcpSegment } from '../support/pcap-writer.ts';

const OPTIONS = 'mss,sok,ts,nop,ws';
const DATABASE = `classes = unix,win
[mtu]
label = Ethernet
sig = 1500
label = PPPoE
sig = 1492
[tcp:request]
label = g:unix:Broad:
sig = *:64:0:*:*,*:${OPTIONS}:df,id+:0
label = s:unix:Narrow:one
sig = *:64:0:*:mss*20,7:${OPTIONS}:df,id+:0
label = s:unix:Narrow:two
sig = *:64:0:*:mss*20,*:${OPTIONS}:df,id+:0
label = s:win:Far:
sig = *:128:0:*:%8192,*:mss,nop,ws:df,id+:0
label = s:unix:Units:mtu
sig = 4:64:0:*:mtu*2,0:mss:df,id+:0
label = s:unix:Units:exact
sig = 4:64:0:1400:5000,0:mss:df,id+:0
label = s:unix:Six:
sig = 6:64:0:*:*,*:mss:flow:0
label = s:!:scanner:
sig = 4:64-:0:*:1024,0:mss,nop::0
label = s:!:strict:
sig = 4:255:0:*:1024,0:mss,sok::0
`;

const matcher = new StackMatcher(parseStacks('x.fp', DATABASE).stacks!);
const match = (raw: string, window = 29_200): StackMatch => matcher.match(raw, window);
const syn = (ttl: number, rest: string): string => `4:${ttl}+0:0:${rest}`;

test('a label of one system goes before one of a family, and the first of two that fit is the answer', () => {
  assert.deepEqual(match(syn(64, `1460:mss*20,7:${OPTIONS}:df,id+:0`)).os, 'Narrow one');
  assert.deepEqual(match(syn(64, `1460:mss*20,9:${OPTIONS}:df,id+:0`)).os, 'Narrow two');
  const { os, family, generic, fuzzy } = match(syn(64, `1460:mss*10,9:${OPTIONS}:df,id+:0`), 14_600);
  assert.deepEqual(
    { os, family, generic, fuzzy },
    { os: 'Broad', family: 'Broad', generic: true, fuzzy: false },
  );
});

test('routers passed are the way from the initial TTL; 35 are believed, more is fuzzy and guessed', () => {
  const at = (ttl: number): StackMatch => match(syn(ttl, `1460:mss*20,7:${OPTIONS}:df,id+:0`));
  assert.deepEqual([at(50).hops, at(50).fuzzy], [14, false]);
  assert.deepEqual([at(29).hops, at(29).fuzzy], [35, false]);
  assert.deepEqual([at(28).hops, at(28).fuzzy, at(28).os], [4, true, 'Broad']);
  assert.deepEqual([at(100).hops, at(100).fuzzy], [28, true]);
});

test('DF and IP ids may be lost on the way and ECN or a zero id added; other quirks may not', () => {
  const with_ = (quirks: string): StackMatch => match(syn(64, `1460:mss*20,7:${OPTIONS}:${quirks}:0`));
  for (const quirks of ['df', 'id+', '', 'df,id+,ecn', 'df,id-', 'id-']) {
    const { os, fuzzy } = with_(quirks);
    assert.deepEqual([os, fuzzy], ['Broad', true], quirks);
  }
  for (const quirks of ['df,id+,0+', 'df,id+,seq-', 'df,id+,ts1-', 'df,id+,bad', 'df,id+,ack+']) {
    assert.equal(with_(quirks).os, null, quirks);
  }
});

test('options must be the same in the same order', () => {
  for (const layout of ['mss,sok,ts,ws', 'mss,ts,sok,nop,ws', 'mss,sok,ts,nop,ws,nop', '']) {
    assert.equal(match(syn(64, `1460:mss*20,7:${layout}:df,id+:0`)).os, null, layout);
  }
});

test('windows are multiples of a number, of the MSS or MTU, or exact', () => {
  const far = (window: number): string | null =>
    match(syn(128, `1460:${window},2:mss,nop,ws:df,id+:0`), window).os;
  assert.deepEqual([far(8_192), far(16_384), far(8_193)], ['Far', 'Far', null]);
  assert.equal(match(syn(64, '1460:mtu*2,0:mss:df,id+:0'), 3_000).os, 'Units mtu');
  assert.equal(match(syn(64, '1460:mtu*3,0:mss:df,id+:0'), 4_500).os, null);
  assert.equal(match(syn(64, '1400:5000,0:mss:df,id+:0'), 5_000).os, 'Units exact');
  assert.equal(match(syn(64, '1401:5000,0:mss:df,id+:0'), 5_000).os, null);
});

test('a signature of IPv6 is of IPv6 alone; one of both looks past what the other cannot show', () => {
  assert.equal(match('6:64+0:0:1440:5000,0:mss:flow:0', 5_000).os, 'Six');
  assert.equal(match(syn(64, '1440:5000,3:mss:df,id+:0'), 5_000).os, null);
  assert.equal(match(`6:64+0:0:1440:mss*20,7:${OPTIONS}::0`, 28_800).os, 'Narrow one');
});

test('tools are known by an exact match alone, and their family is tool', () => {
  const scanner = match(syn(41, '1460:1024,0:mss,nop::0'), 1_024);
  assert.deepEqual([scanner.os, scanner.family], ['scanner', 'tool']);
  assert.equal(match(syn(65, '1460:1024,0:mss,nop::0'), 1_024).os, null);
  assert.equal(match(syn(255, '1460:1024,0:mss,sok::0'), 1_024).os, 'strict');
  assert.equal(match(syn(255, '1460:1024,0:mss,sok:ecn:0'), 1_024).os, null);
});

test('the MTU tells of the link, for each IP version by itself', () => {
  const link = (version: 4 | 6, mss: number): unknown => {
    const { mtu, link } = match(`${version}:64+0:0:${mss}:1,0:nop::0`, 1);
    return [mtu, link];
  };
  assert.deepEqual(
    [link(4, 1_460), link(6, 1_440), link(4, 1_452), link(4, 1_440), link(4, 0)],
    [
      [1_500, 'Ethernet'],
      [1_500, 'Ethernet'],
      [1_492, 'PPPoE'],
      [1_480, null],
      [null, null],
    ],
  );
});

test('a stack that is not known still has a distance', () => {
  assert.deepEqual(
    [31, 60, 120, 250].map((ttl) => match(syn(ttl, '1460:1,0:nop::0'), 1).hops),
    [1, 4, 8, 5],
  );
});

test('every signature of the package is the answer to a SYN made from it', () => {
  const { stacks } = loadStacks(OWN_STACKS);
  const own = new StackMatcher(stacks!);
  for (const { label, signature } of stacks!.signatures) {
    const { window, layout, quirks } = signature;
    const version = signature.version ?? 4;
    const mss = signature.mss ?? 1_460;
    const size =
      window.kind === 'mss' ? `mss*${window.value}` : window.kind === 'any' ? '777' : String(window.value);
    const bytes = window.kind === 'mss' ? window.value * mss : Number(size);
    const names = QUIRKS.filter((_, index) => (quirks & (1 << index)) !== 0);
    const raw = `${version}:${signature.ttl}+0:0:${mss}:${size},${signature.scale ?? 3}:${layout}:${names.join(',')}:0`;
    assert.ok(!('message' in parseSignature(raw.replace('+0', ''))), raw);
    const { family, fuzzy } = own.match(raw, bytes);
    assert.equal(family, label.tool ? 'tool' : label.name, raw);
    assert.equal(fuzzy, false, raw);
  }
});

test('real packets of both IP versions go all the way from bytes to a name', () => {
  const core = new Core(loadCoreModule());
  const own = new StackMatcher(loadStacks(OWN_STACKS).stacks!);
  const options = (mss: number): Buffer =>
    Buffer.from(`0204${mss.toString(16).padStart(4, '0')}0402080a00000001000000000103030a`, 'hex');
  const segment = (mss: number): Buffer => tcpSegment({ sequence: 7, flags: 'S', options: options(mss) });
  const v6 = ipv6Packet(segment(1_440));
  v6[3] = 1;
  // 64,240 bytes are 44 whole segments of IPv4; of IPv6, 64,800 are 45.
  v6.writeUInt16BE(64_800, 40 + 14);
  for (const packet of [ipv4Packet(segment(1_460)), v6]) {
    const report = inspectSyn(core, packet);
    assert.ok('sig' in report, JSON.stringify(report));
    assert.equal(own.match(report.sig, report.window).os, 'Linux 5.x or 6.x', report.sig);
  }
});
