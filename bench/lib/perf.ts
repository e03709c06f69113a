/** Samples of a process's stacks, taken by Linux `perf`, and the part of the process that each is in. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

export const PARTS = [
  'kernel',
  'tls',
  'garbage collection',
  'javascript and wasm',
  'messages between threads',
  'compiling',
  'other native',
] as const;
export type Part = (typeof PARTS)[number];

/** Samples a second; a number that beats with no timer. */
const FREQUENCY = '2503';
/** Until `perf` samples. */
const START_MS = 500;

const COLLECTOR = /Scaveng|MarkCompact|Marking|Sweep|v8::internal::Heap::/;
const COMPILER = /Compilation|compiler::|Maglev|Baseline/;
const MESSAGES = /MessagePort|uv__async_io/;
/** Assembly of OpenSSL keeps no frames, so that nothing tells who called it; the allocator's callers are lost the same way. */
const CRYPTO =
  /^(x25519|fe_|fe64|ge_|sha\d|ecp_|__ecp_|aes|ossl_|OPENSSL_|SSL_|ssl|tls|EVP_|evp_|ASN1|asn1|CRYPTO_|BN_|bn_|cmov|table_select|WPACKET|HMAC|hmac|state_machine)/;
/**
 * A function of JavaScript, as V8 names it: `JS:*name file:///…:line:column`. Code moves and makes room for other code, so
 * that the name itself can be another's.
 */
const SCRIPT = /^JS:/;
interface Frame {
  readonly name: string;
  readonly file: string;
}

/** @param frames Innermost first, as `perf` prints them. */
export function partOf(frames: readonly Frame[]): Part {
  const names = frames.map(({ name }) => name);
  if (names.some((name) => COLLECTOR.test(name))) return 'garbage collection';
  if (frames[0]!.file.startsWith('[') && frames[0]!.file !== '[unknown]') return 'kernel';
  if (names.some((name) => MESSAGES.test(name))) return 'messages between threads';
  if (names.some((name) => COMPILER.test(name))) return 'compiling';
  const script = names.findIndex((name) => SCRIPT.test(name));
  const above = script === -1 ? names : names.slice(0, script);
  if (above.some((name) => CRYPTO.test(name))) return 'tls';
  return script === -1 ? 'other native' : 'javascript and wasm';
}

function frameOf(line: string): Frame | null {
  const match = /^\s+[0-9a-f]+ (.*) \(([^()]*(?:\(deleted\))?)\)$/.exec(line);
  return match === null ? null : { name: match[1]!, file: match[2]! };
}

async function run(args: readonly string[], onLine: (line: string) => void): Promise<void> {
  const child = spawn('perf', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) onLine(line);
  await ended;
}

/**
 * Share of each part, of all samples taken while `work` ran.
 * @throws the system error when there is no `perf`; Error when it gave no sample.
 */
export async function recordStacks(
  pid: number,
  file: string,
  work: () => Promise<unknown>,
): Promise<Readonly<Record<Part, number>>> {
  const recorder = spawn('perf', ['record', '-F', FREQUENCY, '-g', '-o', file, '-p', String(pid)], {
    stdio: 'ignore',
  });
  const ended = once(recorder, 'exit');
  await once(recorder, 'spawn');
  await delay(START_MS);
  await work();
  recorder.kill('SIGINT');
  await ended;
  const counts = Object.fromEntries(PARTS.map((part) => [part, 0])) as Record<Part, number>;
  let frames: Frame[] = [];
  let samples = 0;
  const close = (): void => {
    if (frames.length === 0) return;
    counts[partOf(frames)]++;
    samples++;
    frames = [];
  };
  await run(['script', '-i', file, '-F', 'ip,sym,dso'], (line) => {
    const frame = frameOf(line);
    if (frame === null) close();
    else frames.push(frame);
  });
  close();
  if (samples === 0) throw new Error('perf took no sample: is it allowed to (kernel.perf_event_paranoid)?');
  return Object.fromEntries(PARTS.map((part) => [part, counts[part] / samples])) as Record<Part, number>;
}
