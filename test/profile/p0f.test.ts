import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { inspectSyn, type SynReport } from '../../src/core/inspect.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { CaptureReader } from '../../src/pcap/container.ts';
import { Fragments } from '../../src/pcap/fragments.ts';
import { FLAG, segmentOf } from '../../src/pcap/packet.ts';
import { type StackMatch, StackMatcher } from '../../src/profile/stack-matcher.ts';
import { loadStacks, OWN_STACKS } from '../../src/profile/stacks.ts';
import { startTestEdge } from '../support/edge.ts';
import { cannotIsolate, type KernelSettings, Namespaces } from '../support/namespaces.ts';
import { missingP0f, P0F_DATABASE, type P0fAnswer, p0fOn, p0fOver, readP0fLog } from '../support/p0f.ts';
import { frame, LINK, pcapFile } from '../support/pcap-writer.ts';
import { missing, readLines } from '../support/shared-data.ts';
import { missing as missingProgram, sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';

const core = new Core(loadCoreModule());
const noP0f = await missingP0f();
const noNamespaces = noP0f || (await missingProgram('tcpdump')) || cannotIsolate();

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-p0f-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** As p0f writes a system that our matcher found in its database. */
function asP0fWrites({ os, hops }: StackMatch): { os: string; hops: number } {
  return { os: os ?? '???', hops };
}

function look(packet: Uint8Array, matcher: StackMatcher): { report: SynReport; match: StackMatch } {
  const report = inspectSyn(core, packet);
  assert.ok('sig' in report, JSON.stringify(report));
  return { report, match: matcher.match(report.sig, report.window) };
}

const SYNS = 'syn-dev.jsonl';

test('on the shared SYNs, signatures and labels from p0f’s database are those of p0f itself', {
  skip: noP0f || missing(SYNS),
}, async (t) => {
  const folder = folderOf(t);
  const packets: Buffer[] = [];
  for (const { kind, ip_hex } of readLines(SYNS)) {
    if (kind !== 'SYN') continue;
    const packet = Buffer.from(ip_hex, 'hex');
    const tcp = packet[0]! >> 4 === 4 ? (packet[0]! & 15) * 4 : 40;
    // why: p0f's log tells SYNs apart by address and port alone.
    packet.writeUInt16BE(20_000 + packets.length, tcp);
    packets.push(packet);
  }
  const file = join(folder, 'syns.pcap');
  writeFileSync(file, pcapFile(packets.map((packet) => frame(LINK.ethernet, packet))));
  const answers = [...(await p0fOver(file, join(folder, 'p0f.log'))).values()];
  const matcher = new StackMatcher(loadStacks(P0F_DATABASE).stacks!);
  let labelled = 0;
  const otherwise: string[] = [];
  for (const answer of answers) {
    const { report, match } = look(packets[answer.port - 20_000]!, matcher);
    assert.equal(report.sig, answer.rawSignature);
    if (answer.os === '???') continue;
    labelled++;
    const ours = asP0fWrites(match);
    if (ours.os !== answer.os) otherwise.push(`${answer.rawSignature}: ${ours.os}, p0f: ${answer.os}`);
  }
  assert.ok(answers.length >= 40 && labelled >= 35, `${answers.length} answers, ${labelled} with a label`);
  assert.deepEqual(otherwise, []);
  t.diagnostic(`${answers.length} signatures alike, ${labelled} labels alike`);
});

const KERNELS: readonly (readonly [name: string, settings: KernelSettings, ours: RegExp])[] = [
  ['as it is', {}, /^Linux 5\.x or 6\.x$/],
  [
    'TTL 128, no timestamps, MTU 1,400',
    { sysctl: { 'net.ipv4.ip_default_ttl': 128, 'net.ipv4.tcp_timestamps': 0 }, mtu: 1_400 },
    /^Linux without timestamps$/,
  ],
  [
    'no SACK, no window scaling, MTU 9,000',
    { sysctl: { 'net.ipv4.tcp_sack': 0, 'net.ipv4.tcp_window_scaling': 0 }, mtu: 9_000 },
    /^$/,
  ],
  [
    'TTL 50, a window scale of 9',
    { sysctl: { 'net.ipv4.ip_default_ttl': 50, 'net.ipv4.tcp_rmem': '4096 131072 16777216' } },
    /^Linux 5\.x or 6\.x$/,
  ],
];

/** The SYNs in a capture, by `address/port`. */
function synsIn(file: string): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const fragments = new Fragments();
  new CaptureReader().push(readFileSync(file), (packet) => {
    const segment = segmentOf(packet, fragments);
    if (typeof segment === 'string' || (segment.flags & (FLAG.syn | FLAG.ack)) !== FLAG.syn) return;
    found.set(`${[...segment.source.subarray(12)].join('.')}/${segment.sourcePort}`, segment.headers.slice());
  });
  return found;
}

test('SYNs of kernels with other settings are read and named as p0f does beside us', {
  skip: noNamespaces,
}, async (t) => {
  const namespaces = new Namespaces();
  t.after(() => namespaces.remove());
  const folder = folderOf(t);
  const log = join(folder, 'p0f.log');
  const file = join(folder, 'syns.pcap');
  const capture = await namespaces.capture(file);
  const stopP0f = await p0fOn(namespaces.device, log, ['ip', 'netns', 'exec', namespaces.receiver]);
  for (const [index, [, settings]] of KERNELS.entries()) {
    namespaces.configure(settings);
    namespaces.connect(namespaces.target, 9);
    await until(`p0f saw SYN ${index + 1}`, () => readP0fLog(log).size === index + 1);
  }
  await stopP0f();
  await capture.stop();
  const answers = [...readP0fLog(log).entries()];
  const syns = synsIn(file);
  assert.equal(answers.length, KERNELS.length);
  const theirs = new StackMatcher(loadStacks(P0F_DATABASE).stacks!);
  const own = new StackMatcher(loadStacks(OWN_STACKS).stacks!);
  for (const [index, [key, answer]] of answers.entries()) {
    const [name, settings, ours] = KERNELS[index]!;
    compare(name, syns.get(key)!, answer, theirs);
    const { report, match } = look(syns.get(key)!, own);
    assert.match(match.os ?? '', ours, `${name}: ${report.sig}`);
    assert.equal(report.mss, (settings.mtu ?? 1_500) - 40);
  }
});

function compare(name: string, packet: Uint8Array, answer: P0fAnswer, matcher: StackMatcher): void {
  const { report, match } = look(packet, matcher);
  assert.equal(report.sig, answer.rawSignature, name);
  assert.equal(asP0fWrites(match).os, answer.os, name);
  assert.equal(String(match.hops), answer.dist, name);
  assert.equal(match.fuzzy, answer.params.includes('fuzzy'), name);
  assert.equal(match.generic, answer.params.includes('generic'), name);
}

test('a live edge on loopback keeps the SYN that p0f sees, and names its sender in decision and audit', {
  skip: noP0f || (process.getuid?.() === 0 ? false : 'only root may listen with p0f'),
}, async (t) => {
  const policy = `pdl 1
import "std/tls" as tls
score none { clamp 0..100 }
policy served extends tls.intermediate { }
ruleset r { deny here when conn.os_family == "Linux" and conn.os == "Linux 5.x or 6.x (loopback)" and conn.hops == 0 and conn.rtt < 1s and conn.mtu in 60000..65535 and conn.link == "loopback" do reset }
site all { listen edge  sni any  score none  ladder { from 0 use served }  on_error use served  rules [ r ] }
`;
  const edge = await startTestEdge(t, { policy });
  const log = join(folderOf(t), 'p0f.log');
  const stopP0f = await p0fOn('lo', log);
  t.after(stopP0f);
  await sClient(edge.port);
  const { sallyport, source } = await edge.line();
  assert.deepEqual([sallyport.action, sallyport.matched], ['reset', ['here']]);
  assert.match(sallyport.os!, /^Linux 5\.x or 6\.x/);
  const { os_family, hops, mtu, link } = sallyport;
  assert.deepEqual([os_family, hops, mtu, link], ['Linux', 0, 65_535, 'loopback']);
  assert.ok(sallyport.rtt_us! > 0);
  await until('p0f saw it too', () => readP0fLog(log).has(`127.0.0.1/${source.port}`));
  assert.equal(readP0fLog(log).get(`127.0.0.1/${source.port}`)!.rawSignature, sallyport.syn);
});
