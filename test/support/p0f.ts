/** The real p0f 3, over a capture or beside live traffic. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { run } from './tools.ts';

export const P0F_DATABASE = '/etc/p0f/p0f.fp';

/** What p0f says of one SYN. */
export interface P0fAnswer {
  readonly ip: string;
  readonly port: number;
  /** `???` when it knows none. */
  readonly os: string;
  readonly params: string;
  readonly dist: string;
  readonly rawSignature: string;
}

/** A reason to skip, else false. */
export async function missingP0f(): Promise<string | false> {
  if (!existsSync(P0F_DATABASE)) return `${P0F_DATABASE} is not there: p0f is not installed`;
  return (await run('p0f', ['-h'])).stdout.includes('p0f') ? false : 'p0f is not installed';
}

/** The SYNs of a log, by `address/port` of the client. */
export function readP0fLog(file: string): Map<string, P0fAnswer> {
  const answers = new Map<string, P0fAnswer>();
  if (!existsSync(file)) return answers;
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const at = line.indexOf('mod=syn|');
    if (at === -1 || !line.includes('|raw_sig=')) continue;
    const fields = new Map(
      line
        .slice(at)
        .split('|')
        .map((field) => splitOnce(field)),
    );
    const [ip, port] = fields.get('cli')!.split('/') as [string, string];
    answers.set(`${ip}/${port}`, {
      ip,
      port: Number(port),
      os: fields.get('os')!,
      params: fields.get('params')!,
      dist: fields.get('dist')!,
      rawSignature: fields.get('raw_sig')!,
    });
  }
  return answers;
}

function splitOnce(field: string): [string, string] {
  const at = field.indexOf('=');
  return [field.slice(0, at), field.slice(at + 1)];
}

/** Reads a capture with p0f. */
export async function p0fOver(capture: string, log: string): Promise<Map<string, P0fAnswer>> {
  await run('p0f', ['-f', P0F_DATABASE, '-r', capture, '-o', log]);
  return readP0fLog(log);
}

/** Lets p0f listen on an interface, through `prefix` such as `ip netns exec NAME`; answers how to end it. */
export async function p0fOn(
  device: string,
  log: string,
  prefix: readonly string[] = [],
): Promise<() => Promise<void>> {
  const [program, ...args] = [...prefix, 'p0f', '-f', P0F_DATABASE, '-i', device, '-o', log];
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  // why: p0f tells standard output of every packet; nobody may close that pipe.
  await new Promise<void>((resolve) => {
    let said = '';
    child.stdout.on('data', (chunk) => {
      said = (said + String(chunk)).slice(-4_096);
      if (said.includes('Entered main event loop')) resolve();
    });
  });
  return async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
}
