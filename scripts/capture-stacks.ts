/**
 * Captures the SYNs of this machine's kernel under other settings, and of the scanners that are installed (nmap, masscan,
 * zmap), between two network namespaces: what `profiles/stacks.fp` says of them. Needs root, `ip` and `tcpdump`.
 * Usage: node scripts/capture-stacks.ts
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Core } from '../src/core/core.ts';
import { inspectSyn } from '../src/core/inspect.ts';
import { loadCoreModule } from '../src/core/module.ts';
import { CaptureReader } from '../src/pcap/container.ts';
import { Fragments } from '../src/pcap/fragments.ts';
import { FLAG, segmentOf } from '../src/pcap/packet.ts';
import { cannotIsolate, type KernelSettings, Namespaces } from '../test/support/namespaces.ts';

const rmem = (middle: number, max: number): Record<string, string> => ({
  'net.ipv4.tcp_rmem': `4096 ${middle} ${max}`,
});
const MiB = 1024 * 1024;

/** Settings of the sending kernel, by what they stand for. */
const KERNELS: readonly (readonly [name: string, settings: KernelSettings])[] = [
  ['defaults', {}],
  ...[1, 2, 4, 8, 16, 32, 64, 128, 256, 1024].map(
    (max) => [`tcp_rmem up to ${max} MiB`, { sysctl: rmem(131_072, max * MiB) }] as const,
  ),
  ...[1_492, 1_480, 1_476, 1_450, 1_420, 1_400, 1_280, 9_000].map((mtu) => [`MTU ${mtu}`, { mtu }] as const),
  ...[2, 4, 6, 8, 16, 32].map(
    (max) => [`tcp_rmem with 1 MiB, up to ${max} MiB`, { sysctl: rmem(MiB, max * MiB) }] as const,
  ),
  ['timestamps off', { sysctl: { 'net.ipv4.tcp_timestamps': 0 } }],
  ['SACK off', { sysctl: { 'net.ipv4.tcp_sack': 0 } }],
  ['window scaling off', { sysctl: { 'net.ipv4.tcp_window_scaling': 0 } }],
  ['ECN asked for', { sysctl: { 'net.ipv4.tcp_ecn': 1 } }],
];

const LISTEN = "require('net').createServer().listen(22, () => console.log('ready'))";

async function main(): Promise<void> {
  const reason = cannotIsolate();
  if (reason !== false) throw new Error(reason);
  const namespaces = new Namespaces();
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-stacks-'));
  try {
    console.log(`kernel ${release()}`);
    for (const [name, settings] of KERNELS) {
      namespaces.configure(settings);
      await show(namespaces, folder, name, () => {
        namespaces.connect(namespaces.target, 9);
        namespaces.connect(namespaces.target6, 9);
      });
    }
    namespaces.configure({});
    await show(
      namespaces,
      folder,
      'loopback',
      () => namespaces.connect('127.0.0.1', 9),
      namespaces.sender,
      'lo',
    );
    await show(
      namespaces,
      folder,
      'loopback, IPv6',
      () => namespaces.connect('::1', 9),
      namespaces.sender,
      'lo',
    );
    const { mac, source, target } = namespaces;
    const scan = ['-n', '-Pn', '--max-retries', '0'];
    await show(namespaces, folder, 'nmap -sS', () => {
      namespaces.run('nmap', ...scan, '-sS', '-p', '20-60', target);
    });
    // why: most probes go to an open port.
    const listener = namespaces.start(namespaces.receiver, process.execPath, '-e', LISTEN);
    await once(listener.stdout!, 'data');
    await show(namespaces, folder, 'nmap -O', () => {
      namespaces.run('nmap', ...scan, '-sS', '-O', '--osscan-guess', '-p', '22', target);
    });
    listener.kill();
    await show(namespaces, folder, 'masscan', () => {
      const from = ['--adapter', 'spa', '--adapter-ip', source, '--router-mac', mac];
      namespaces.run('masscan', target, '-p', '20-30', '--rate', '100', '--wait', '0', ...from);
    });
    await show(namespaces, folder, 'zmap', () => {
      const from = ['-i', 'spa', '-G', mac, '-S', source, '-c', '0', '--blacklist-file=/dev/null'];
      namespaces.run('zmap', '-p', '25', ...from, `${target}/32`);
    });
  } finally {
    namespaces.remove();
    rmSync(folder, { recursive: true });
  }
}

const core = new Core(loadCoreModule());

async function show(
  namespaces: Namespaces,
  folder: string,
  name: string,
  send: () => void,
  ...where: readonly string[]
): Promise<void> {
  const file = join(folder, 'syns.pcap');
  const capture = await namespaces.capture(file, ...where);
  send();
  await capture.stop();
  for (const [signature, times] of signaturesIn(file))
    console.log(`${name.padEnd(36)} ${signature}  × ${times}`);
}

/** Raw signatures of the SYNs in a capture, and how often each is there. */
function signaturesIn(file: string): Map<string, number> {
  const found = new Map<string, number>();
  const reader = new CaptureReader();
  const fragments = new Fragments();
  reader.push(readFileSync(file), (packet) => {
    const segment = segmentOf(packet, fragments);
    if (typeof segment === 'string' || (segment.flags & (FLAG.syn | FLAG.ack)) !== FLAG.syn) return;
    const report = inspectSyn(core, segment.headers.slice());
    if ('sig' in report) found.set(report.sig, (found.get(report.sig) ?? 0) + 1);
  });
  return found;
}

await main();
