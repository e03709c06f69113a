/** The decision core compiled to native code: wasm2c turns the scalar module into C, gcc -O3 compiles it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Timing } from './samples.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RUNTIME = '/usr/share/wabt/wasm2c';

export interface NativeCore {
  /** Nanoseconds of one decision, from samples of `calls` decisions. */
  decide(image: Uint8Array, tables: Uint8Array, hello: Uint8Array, calls: number): Timing['nanoseconds'];
  remove(): void;
}

/** Null when the machine lacks wasm2c (Debian: wabt) or gcc. */
export function buildNativeCore(): NativeCore | null {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-native-'));
  const file = (name: string): string => join(folder, name);
  const write = (name: string, bytes: Uint8Array): string => {
    writeFileSync(file(name), bytes);
    return file(name);
  };
  try {
    execFileSync('wasm2c', [`${ROOT}src/core/sallyport_core.wasm`, '-n', 'core', '-o', file('core.c')]);
    execFileSync('gcc', [
      ...['-O3', '-w', '-I', folder, '-I', RUNTIME, '-I', `${ROOT}include`, '-o', file('decide')],
      ...[`${ROOT}bench/native/decide.c`, file('core.c'), `${RUNTIME}/wasm-rt-impl.c`, '-lm'],
    ]);
  } catch (error) {
    rmSync(folder, { recursive: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return {
    decide: (image, tables, hello, calls) => {
      const files = [write('image', image), write('tables', tables), write('hello', hello)];
      const printed = execFileSync(file('decide'), [...files, String(calls)], { encoding: 'utf8' });
      const [best, median] = printed.split(' ').map(Number) as [number, number];
      return { best, median };
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
