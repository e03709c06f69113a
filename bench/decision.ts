/**
 * The full decision on a post-quantum hello of 1.7 KB: parse, JA3, JA4, 100 rules, 16 signals. In WebAssembly, in the
 * same module compiled to native code, and beside what npm has for the fingerprints alone.
 */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Core } from '../src/core/core.ts';
import { encodeProgram, encodeTables } from '../src/core/image.ts';
import * as L from '../src/core/layout.gen.ts';
import { type CoreExports, type CoreVariant, instantiateCore, loadCoreModule } from '../src/core/module.ts';
import { captureHello, grown } from '../test/support/hello.ts';
import { buildNativeCore } from './lib/native.ts';
import { median } from './lib/result.ts';
import { programWithRules } from './lib/rules.ts';
import { type Task, type Timing, timeTasks } from './lib/samples.ts';
import type { Bench, BenchOptions } from './main.ts';

const HELLO_BYTES = 1_700;
/** Decisions to a sample. */
const CALLS = 200;
const RECORD_AND_HANDSHAKE = 9;
const VERSION_AND_RANDOM = 34;
/** Type of the extension that `grown` adds. */
const GROWN_EXTENSION = '7777';

interface Peer {
  readTlsClientHello(stream: Readable): Promise<object>;
  calculateJa3(hello: object): string;
  calculateJa4(hello: object): string;
}

/** Installs what is compared with on first use; it never becomes a dependency of the product. */
function loadPeer(): Peer {
  const folder = fileURLToPath(new URL('./peers/', import.meta.url));
  const require = createRequire(`${folder}package.json`);
  try {
    return require('read-tls-client-hello') as Peer;
  } catch {
    execFileSync('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], { cwd: folder });
    return require('read-tls-client-hello') as Peer;
  }
}

async function makeHello(): Promise<Buffer> {
  const hello = await captureHello({
    ecdhCurve: 'X25519MLKEM768:X25519',
    servername: 'www.shop.example',
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  return grown(hello, HELLO_BYTES - hello.length - 4);
}

/** What bench/native/decide.c does, on the module's bare exports. */
function bareDecision(
  core: CoreExports,
  image: Uint8Array,
  tables: Uint8Array,
  next: () => Uint8Array,
): () => void {
  const at = core.sp_reserve_tables(tables.length);
  const memory = new Uint8Array(core.memory.buffer);
  memory.set(tables, at);
  while (core.sp_verify_tables(1 << 30) === 1);
  memory.set(image, core.sp_region(L.REGION_IMAGE));
  if (core.sp_load_image(image.length) < 0) throw new Error('the core refused the policy');
  const view = new DataView(core.memory.buffer);
  const input = core.sp_region(L.REGION_INPUT);
  const values = core.sp_region(L.REGION_VALUES);
  const ip = core.sp_region(L.REGION_SLOTS) + L.FACT_CONN_IP * L.SLOT_BYTES;
  const port = core.sp_region(L.REGION_SLOTS) + L.FACT_CONN_PORT * L.SLOT_BYTES;
  return () => {
    const hello = next();
    core.sp_begin();
    view.setUint32(values, 0x0a010203);
    view.setUint32(ip + L.SLOT_STATE_AT, L.STATE_IP4, true);
    view.setUint32(ip + L.SLOT_OFFSET_AT, 0, true);
    view.setUint32(ip + L.SLOT_LENGTH_AT, 4, true);
    view.setUint32(port + L.SLOT_STATE_AT, L.STATE_NUMBER, true);
    view.setFloat64(port + L.SLOT_VALUE_AT, 443, true);
    memory.set(hello, input);
    if (core.sp_parse(hello.length, L.FORM_RECORDS, L.PROTO_TLS) !== 0) throw new Error('parse');
    if (core.sp_decide(0, L.PHASE_HELLO) !== 0) throw new Error('decide');
  };
}

/** As an edge does it: through `Core`, with the answer and the fingerprint read. */
function edgeDecision(image: Uint8Array, tables: Uint8Array, hello: Uint8Array): () => void {
  const core = new Core(loadCoreModule());
  if (core.loadTables(tables) !== 0 || core.loadImage(image) < 0)
    throw new Error('the core refused the policy');
  const ip = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 2, 3);
  return () => {
    core.begin();
    core.setIp(L.FACT_CONN_IP, ip, true);
    core.setNumber(L.FACT_CONN_PORT, 443);
    if (core.parse(hello, 0, hello.length, 'records', 'tls') !== 0) throw new Error('parse');
    if (core.decide(0, 1).status !== 0 || core.hello.ja4 === '') throw new Error('decide');
  };
}

/** The hello with a suite and an extension that no call before had, so that no digest of a list is known. */
function variations(hello: Buffer): () => Uint8Array {
  const varied = Buffer.from(hello);
  const suites =
    RECORD_AND_HANDSHAKE + VERSION_AND_RANDOM + 1 + varied[RECORD_AND_HANDSHAKE + VERSION_AND_RANDOM]! + 2;
  const extension = varied.lastIndexOf(GROWN_EXTENSION, varied.length, 'hex');
  let count = 0;
  return () => {
    count = (count + 1) & 0x0fff;
    varied.writeUInt16BE(0xf000 | count, suites);
    varied.writeUInt16BE(0xe000 | count, extension);
    return varied;
  };
}

const repeat = (run: () => void) => (): void => {
  for (let i = 0; i < CALLS; i++) run();
};

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const hello = await makeHello();
  const program = programWithRules(100);
  const { image } = encodeProgram(program);
  const tables = encodeTables(program, new Map());
  const peer = loadPeer();
  const same = (): Uint8Array => hello;
  const bare = (variant: CoreVariant, next: () => Uint8Array, suffix = ''): Task => ({
    name: `decision, ${variant} module${suffix}`,
    calls: CALLS,
    run: repeat(bareDecision(instantiateCore(loadCoreModule(variant)), image, tables, next)),
  });
  const decideOnly = instantiateCore(loadCoreModule());
  bareDecision(decideOnly, image, tables, same)();
  const tasks: Task[] = [
    bare('scalar', same),
    bare('simd', same),
    bare('scalar', variations(hello), ', fingerprints never seen'),
    bare('simd', variations(hello), ', fingerprints never seen'),
    {
      name: 'decision through Core, answer read',
      calls: CALLS,
      run: repeat(edgeDecision(image, tables, hello)),
    },
    {
      name: 'parse, JA3, JA4',
      calls: CALLS,
      run: repeat(() => void decideOnly.sp_parse(hello.length, L.FORM_RECORDS, L.PROTO_TLS)),
    },
    { name: 'policy alone', calls: CALLS, run: repeat(() => void decideOnly.sp_decide(0, L.PHASE_HELLO)) },
    {
      name: 'read-tls-client-hello 2.0: parse, JA3, JA4',
      calls: 1,
      run: async () => {
        const stream = new Readable({ read: () => {} });
        stream.push(hello);
        const read = await peer.readTlsClientHello(stream);
        if (peer.calculateJa3(read) === '' || peer.calculateJa4(read) === '') throw new Error('peer');
      },
    },
  ];
  const native = buildNativeCore();
  const nativeTimes: Timing['nanoseconds'][] = [];
  const timings = await timeTasks(tasks, options.rounds!, options.milliseconds!, () => {
    if (native !== null) nativeTimes.push(native.decide(image, tables, hello, CALLS));
  });
  native?.remove();
  const nativeBest = native && Math.min(...nativeTimes.map(({ best }) => best));
  const nativeMedian = native && median(nativeTimes.map((times) => times.median));
  const [scalar, simd, , , , parse, , other] = timings.map(({ nanoseconds }) => nanoseconds.best);
  const result = {
    helloBytes: hello.length,
    rules: program.rules.length,
    atoms: program.atoms.length,
    signals: program.scores[0]!.signals.length,
    timings,
    nativeNanoseconds: native && { best: nativeBest, median: nativeMedian },
    ratios: {
      scalarToNative: nativeBest === null ? null : scalar! / nativeBest,
      simdToNative: nativeBest === null ? null : simd! / nativeBest,
      peerToSimd: other! / simd!,
      peerToParse: other! / parse!,
    },
  };
  console.table(Object.fromEntries(timings.map(({ name, nanoseconds }) => [name, nanoseconds])));
  console.log(nativeBest === null ? 'no wasm2c or gcc here' : `native: ${nativeBest} ns`, result.ratios);
  return { passed: true, result };
}

export const bench: Bench = {
  summary: 'The full decision on a 1.7 KB hello, against native code and an npm package.',
  defaults: { rounds: 5, milliseconds: 300 },
  run,
};
