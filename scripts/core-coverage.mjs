// Branch coverage of assembly/: compiles it without optimisation, counts both outcomes of every `if`, conditional branch
// and `select` of the WebAssembly (so of every condition, `&&`, `||` and `?:` of the sources), and runs the core's tests.
// The compiler's own binaryen rewrites the modules. Fails below `--least <percent>`; `--missing` lists the branches that nothing took.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import asc from 'assemblyscript/asc';
import binaryen from 'binaryen';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: { least: { type: 'string', default: '95' }, missing: { type: 'boolean', default: false } },
});
/** Where the counters are: below the memory that the module uses. */
const COUNTERS_AT = 1024;
const MEMORY_BASE = 65_536;
const COUNT = 'coverage/count';
const { targets, options: common } = JSON.parse(readFileSync(`${root}asconfig.json`, 'utf8'));
const plain = { ...common, optimizeLevel: 0, shrinkLevel: 0, converge: false };
const work = mkdtempSync(join(tmpdir(), 'sallyport-coverage-'));

function flagsOf(settings) {
  return Object.entries(settings).flatMap(([name, value]) =>
    value === false ? [] : value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
}

async function compile(target) {
  const output = join(work, `${target}.wasm`);
  const flags = flagsOf({ ...plain, ...targets[target] });
  const { error, stderr } = await asc.main([
    'assembly/index.ts',
    ...['--baseDir', root, '--outFile', output, '--debug', '--memoryBase', String(MEMORY_BASE)],
    ...flags,
  ]);
  if (error) throw new Error(`${stderr.toString()}${error.message}`);
  return readFileSync(output);
}

/** Calls `visit` with every expression under `expression`. */
function walk(expression, visit) {
  const id = binaryen.getExpressionId(expression);
  // Leaves, of which some have nothing that could be asked for.
  if (LEAVES.has(id)) return;
  const info = binaryen.getExpressionInfo(expression);
  visit(expression, info);
  for (const value of Object.values(info)) {
    if (Array.isArray(value)) for (const each of value) if (isExpression(each)) walk(each, visit);
  }
  for (const name of CHILDREN) if (isExpression(info[name])) walk(info[name], visit);
}
const CHILDREN = [
  ...[
    'condition',
    'ifTrue',
    'ifFalse',
    'body',
    'value',
    'ptr',
    'left',
    'right',
    'dest',
    'source',
    'size',
    'delta',
  ],
  ...['target', 'vec', 'a', 'b', 'c', 'shift', 'expected', 'replacement'],
];
const LEAVES = new Set([binaryen.ConstId, binaryen.NopId, binaryen.UnreachableId, binaryen.MemorySizeId]);
const isExpression = (value) => typeof value === 'number' && value > 1024;

const CONDITIONAL = new Map([
  [binaryen.IfId, binaryen.If],
  [binaryen.BreakId, binaryen.Break],
  [binaryen.SelectId, binaryen.Select],
]);

/** The module with a call at every condition; `names` gets the function of each, by its number. */
function instrument(bytes, names) {
  const module = binaryen.readBinary(bytes);
  module.setFeatures(binaryen.Features.All);
  const functions = Array.from({ length: module.getNumFunctions() }, (_, n) => module.getFunctionByIndex(n));
  for (const each of functions) {
    const { name, body } = binaryen.getFunctionInfo(each);
    walk(body, (expression, info) => {
      const kind = CONDITIONAL.get(info.id);
      if (kind === undefined || !info.condition) return;
      const number = names.push(name) - 1;
      kind.setCondition(
        expression,
        module.call(COUNT, [module.i32.const(number), info.condition], binaryen.i32),
      );
    });
  }
  const taken = module.i32.ne(module.local.get(1, binaryen.i32), module.i32.const(0));
  const at = module.i32.add(module.i32.shl(module.local.get(0, binaryen.i32), module.i32.const(1)), taken);
  module.addFunction(
    COUNT,
    binaryen.createType([binaryen.i32, binaryen.i32]),
    binaryen.i32,
    [],
    module.block(null, [
      module.i32.store8(COUNTERS_AT, 0, at, module.i32.const(1)),
      module.local.get(1, binaryen.i32),
    ]),
  );
  if (2 * names.length > MEMORY_BASE - COUNTERS_AT)
    throw new Error('more branches than there is room for counters');
  return module.emitBinary();
}

/** Loaded into every process and thread of the tests: gives them the instrumented modules and keeps what they count. */
const PRELOAD = `
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { threadId } from 'node:worker_threads';
const read = fs.readFileSync;
const files = { 'sallyport_core.wasm': 'scalar', 'sallyport_core_simd.wasm': 'simd' };
fs.readFileSync = (path, ...rest) => {
  const target = files[String(path).split('/').at(-1)];
  return target ? read(${JSON.stringify(work)} + '/' + target + '.counted.wasm', ...rest) : read(path, ...rest);
};
syncBuiltinESMExports();
const instances = [];
const { Instance } = WebAssembly;
WebAssembly.Instance = function (module, imports) {
  const instance = new Instance(module, imports);
  instances.push([WebAssembly.Module.customSections(module, 'coverage')[0], instance]);
  return instance;
};
process.on('exit', () => instances.forEach(([target, { exports }], n) => {
  if (!target || !exports.memory) return;
  const counted = new Uint8Array(exports.memory.buffer).slice(${COUNTERS_AT}, ${MEMORY_BASE});
  fs.writeFileSync(${JSON.stringify(work)} + '/' + [process.pid, threadId, n, Buffer.from(target)].join('.') + '.hits', counted);
}));
`;

/** Its size takes two bytes of LEB128, whatever it is. */
function customSection(name, value) {
  const content = Buffer.concat([Buffer.from([name.length]), Buffer.from(name), value]);
  return Buffer.concat([Buffer.from([0, (content.length & 0x7f) | 0x80, content.length >> 7]), content]);
}

try {
  const names = {};
  for (const target of Object.keys(targets)) {
    names[target] = [];
    const bytes = instrument(await compile(target), names[target]);
    const release = readFileSync(`${root}src/core/sallyport_core${target === 'simd' ? '_simd' : ''}.wasm`);
    // Hosts read these before they trust a module.
    const sections = ['sallyport.abi', 'sallyport.build'].map((name) => {
      const [content] = WebAssembly.Module.customSections(new WebAssembly.Module(release), name);
      return customSection(name, Buffer.from(content));
    });
    const counted = Buffer.concat([bytes, customSection('coverage', Buffer.from(target)), ...sections]);
    writeFileSync(join(work, `${target}.counted.wasm`), counted);
  }
  writeFileSync(join(work, 'preload.mjs'), PRELOAD);
  const tests = ['core']
    .flatMap((folder) => readdirSync(`${root}test/${folder}`).map((name) => `test/${folder}/${name}`))
    .filter((name) => name.endsWith('.test.ts') && !name.endsWith('/build.test.ts'));
  const { status } = spawnSync(process.execPath, ['--test', ...tests], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: `--import=${join(work, 'preload.mjs')}` },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error('the tests fail on the instrumented core');
  report(names);
} catch (error) {
  console.error(`core-coverage: ${error.stack}`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** What was taken in one build: for each function, two flags for each of its conditions, in order. */
function outcomesOf(target, functions) {
  const taken = new Uint8Array(MEMORY_BASE - COUNTERS_AT);
  for (const file of readdirSync(work).filter((name) => name.endsWith(`.${target}.hits`))) {
    readFileSync(join(work, file)).forEach((hit, at) => {
      taken[at] |= hit;
    });
  }
  const outcomes = new Map();
  functions.forEach((name, number) => {
    const flags = outcomes.get(name) ?? [];
    outcomes.set(name, flags);
    flags.push(taken[2 * number], taken[2 * number + 1]);
  });
  return outcomes;
}

/** A function that is the same in both builds counts once, and what either took counts. */
function merge(scalar, simd) {
  const merged = new Map();
  for (const name of new Set([...scalar.keys(), ...simd.keys()])) {
    const [a = [], b = []] = [scalar.get(name), simd.get(name)];
    merged.set(name, a.length === b.length ? a.map((flag, n) => flag | b[n]) : [...a, ...b]);
  }
  return merged;
}

function report(names) {
  const files = new Map();
  const merged = merge(outcomesOf('scalar', names.scalar), outcomesOf('simd', names.simd));
  for (const [name, flags] of merged) {
    const file = name.split('/').slice(0, 2).join('/');
    // why: its conditions ask whether the engine it runs on is broken.
    if (file === 'assembly/selftest') continue;
    const row = files.get(file) ?? { branches: 0, taken: 0 };
    files.set(file, row);
    flags.forEach((flag, n) => {
      row.branches++;
      row.taken += flag;
      if (options.missing && !flag) console.log(`${name}: condition ${n >> 1} was never ${(n & 1) === 1}`);
    });
  }
  const sum = { branches: 0, taken: 0 };
  const line = (name, { branches, taken }) => {
    const percent = ((100 * taken) / branches).toFixed(1).padStart(6);
    console.log(`${percent} %  ${String(taken).padStart(5)} of ${String(branches).padStart(5)}  ${name}`);
  };
  for (const [file, row] of [...files].sort()) {
    sum.branches += row.branches;
    sum.taken += row.taken;
    line(file, row);
  }
  line('all but the self-test', sum);
  if ((100 * sum.taken) / sum.branches < Number(options.least)) process.exitCode = 1;
}
