/** What one client of OpenSSL can do to a connection of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMicros } from './cpu.ts';
import type { Server } from './servers.ts';

const LIMIT_MS = 10_000;
const KEY_UPDATES = 'K\n'.repeat(50);

export interface KeyUpdateFlood {
  readonly closed: boolean;
  /** Until it was cut off. */
  readonly seconds: number;
  /** What the edge spent on it, of a core over the ten seconds that it may last. */
  readonly percentOfACore: number;
}

/** One client that sends KeyUpdates as fast as it can. */
export async function keyUpdateFlood(edge: Server): Promise<KeyUpdateFlood> {
  const args = ['s_client', '-connect', `127.0.0.1:${edge.port}`, '-tls1_3', '-quiet', '-no_ign_eof'];
  const child = spawn('openssl', args, { stdio: ['pipe', 'ignore', 'ignore'] });
  child.stdin.on('error', () => {});
  const cpu = cpuMicros(edge.pid);
  const started = performance.now();
  const timer = setInterval(() => child.stdin.write(KEY_UPDATES), 1);
  const closed = await Promise.race([once(child, 'close'), delay(LIMIT_MS).then(() => null)]);
  clearInterval(timer);
  child.kill('SIGKILL');
  const seconds = (performance.now() - started) / 1_000;
  const usedMs = (cpuMicros(edge.pid) - cpu) / 1e3;
  return { closed: closed !== null, seconds, percentOfACore: (usedMs / LIMIT_MS) * 100 };
}

/** Is the first attempt to renegotiate (`R`) refused? */
export async function refusesRenegotiation(edge: Server): Promise<boolean> {
  const args = ['s_client', '-connect', `127.0.0.1:${edge.port}`, '-tls1_2'];
  const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {});
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      if (!output.includes('Cipher is') && `${output}${chunk}`.includes('Cipher is'))
        child.stdin.write('R\n');
      output += chunk;
    });
  }
  await Promise.race([once(child, 'close'), delay(LIMIT_MS)]);
  child.kill('SIGKILL');
  return output.includes('no renegotiation');
}
