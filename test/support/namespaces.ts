/** Two network namespaces with a cable between them: SYNs of real kernels and tools, under other settings. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

export interface KernelSettings {
  /** sysctl names and values of the sender. */
  readonly sysctl?: Readonly<Record<string, string | number>>;
  readonly mtu?: number;
}

const ADDRESSES = { v4: ['10.77.0.1', '10.77.0.2'], v6: ['fd77::1', 'fd77::2'] } as const;
const DEFAULTS: Readonly<Record<string, string>> = {
  'net.ipv4.ip_default_ttl': '64',
  'net.ipv4.tcp_timestamps': '1',
  'net.ipv4.tcp_sack': '1',
  'net.ipv4.tcp_window_scaling': '1',
  'net.ipv4.tcp_ecn': '2',
  'net.ipv4.tcp_rmem': '4096 131072 6291456',
  'net.ipv6.conf.all.hop_limit': '64',
};

/** A reason to skip what needs namespaces, else false. */
export function cannotIsolate(): string | false {
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  const name = `sp-try-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name]).status === 0;
  if (made) spawnSync('ip', ['netns', 'del', name]);
  return made ? false : 'network namespaces cannot be made here';
}

function must(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, [...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

export class Namespaces {
  readonly sender: string = `sp-a-${process.pid}`;
  readonly receiver: string = `sp-b-${process.pid}`;
  /** Interface of the receiver. */
  readonly device: string = 'spb';
  readonly source: string = ADDRESSES.v4[0];
  readonly target: string = ADDRESSES.v4[1];
  readonly target6: string = ADDRESSES.v6[1];

  constructor() {
    for (const name of [this.sender, this.receiver]) must('ip', ['netns', 'add', name]);
    try {
      must('ip', [
        '-n',
        this.sender,
        'link',
        'add',
        'spa',
        'type',
        'veth',
        'peer',
        'name',
        'spb',
        'netns',
        this.receiver,
      ]);
      for (const [index, name, device] of [
        [0, this.sender, 'spa'],
        [1, this.receiver, 'spb'],
      ] as const) {
        must('ip', ['-n', name, 'addr', 'add', `${ADDRESSES.v4[index]}/24`, 'dev', device]);
        must('ip', ['-n', name, 'addr', 'add', `${ADDRESSES.v6[index]}/64`, 'dev', device, 'nodad']);
        must('ip', ['-n', name, 'link', 'set', device, 'up']);
        must('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
      }
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Hardware address of the receiver. */
  get mac(): string {
    const shown = JSON.parse(must('ip', ['-n', this.receiver, '-j', 'link', 'show', 'spb'])) as {
      address: string;
    }[];
    return shown[0]!.address;
  }

  /** Settings of the sender; what is not given is as a new kernel has it. */
  configure({ sysctl = {}, mtu = 1_500 }: KernelSettings): void {
    const values = Object.entries({ ...DEFAULTS, ...sysctl }).map(([name, value]) => `${name}=${value}`);
    must('ip', ['netns', 'exec', this.sender, 'sysctl', '-q', '-w', ...values]);
    must('ip', ['-n', this.sender, 'link', 'set', 'spa', 'mtu', String(mtu)]);
    must('ip', ['-n', this.receiver, 'link', 'set', 'spb', 'mtu', String(Math.max(mtu, 1_500))]);
  }

  /** Runs a program in the sender's namespace to its end, whatever comes of it. */
  run(program: string, ...args: readonly string[]): string {
    return spawnSync('ip', ['netns', 'exec', this.sender, program, ...args], {
      encoding: 'utf8',
      timeout: 30_000,
    }).stdout;
  }

  /** Tries to connect, from the sender or over the receiver's loopback. */
  connect(address: string, port: number): void {
    this.run('bash', '-c', `</dev/tcp/${address}/${port}`);
  }

  start(namespace: string, program: string, ...args: readonly string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', namespace, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Writes a capture of the SYNs that reach the receiver; resolves once it listens. */
  async capture(
    file: string,
    namespace: string = this.receiver,
    device: string = this.device,
  ): Promise<Capture> {
    const filter = '(tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn) or (ip6 and tcp)';
    const child = this.start(
      namespace,
      'tcpdump',
      '-i',
      device,
      '-U',
      '--immediate-mode',
      '-w',
      file,
      filter,
    );
    await once(child.stderr!, 'data');
    return { stop: () => stop(child) };
  }

  remove(): void {
    for (const name of [this.sender, this.receiver]) spawnSync('ip', ['netns', 'del', name]);
  }
}

export interface Capture {
  /** Resolves once the file is whole. */
  stop(): Promise<void>;
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await ended;
}
