// Compiles assembly/ to src/core/sallyport_core.wasm and its SIMD twin, and checks what every host relies on:
// no imports, no start function, a small file. Appends custom sections that name the ABI and the build.
// `--out <folder>` writes the files elsewhere, `--max-bytes <number>` allows them another size.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import asc from 'assemblyscript/asc';

const START_SECTION = 8;
const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: `${root}src/core` },
    'max-bytes': { type: 'string', default: String(64 * 1024) },
  },
});
const maxBytes = Number(options['max-bytes']);
const CONFIG = `${root}asconfig.json`;
const { options: common, targets } = JSON.parse(readFileSync(CONFIG, 'utf8'));
// The scalar build is the canonical one; the twin must give the same answers.
const BUILDS = [
  { file: 'sallyport_core.wasm', target: 'scalar' },
  { file: 'sallyport_core_simd.wasm', target: 'simd' },
];

function sha256(...parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** Names the sources and the compiler, not the commit, so that a build from a package has the id of one from git. */
function buildId() {
  const files = readdirSync(`${root}assembly`, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .sort();
  return sha256(
    asc.version,
    ...files.flatMap((name) => [name, '\0', readFileSync(`${root}assembly/${name}`)]),
  );
}

/** Unsigned LEB128. */
function leb128(value) {
  const bytes = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
}

function customSection(name, value) {
  const nameBytes = Buffer.from(name);
  const content = [...leb128(nameBytes.length), ...nameBytes, ...Buffer.from(JSON.stringify(value))];
  return Buffer.from([0, ...leb128(content.length), ...content]);
}

/** Ids of the sections, in order. */
function sectionIds(bytes) {
  const ids = [];
  let at = 8;
  while (at < bytes.length) {
    ids.push(bytes[at++]);
    let size = 0;
    let shift = 0;
    let byte;
    do {
      byte = bytes[at++];
      size |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte & 0x80);
    at += size;
  }
  return ids;
}

/** Settings of asconfig.json as asc takes them on its command line. */
function flagsOf(settings) {
  return Object.entries(settings).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, Array.isArray(value) ? value.join(',') : String(value)],
  );
}

async function compile(target) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-wasm-'));
  const output = join(folder, 'core.wasm');
  try {
    const { error, stderr } = await asc.main([
      'assembly/index.ts',
      ...['--baseDir', root, '--config', CONFIG, '--target', target, '--outFile', output],
    ]);
    if (error) throw new Error(`${stderr.toString()}${error.message}`);
    return readFileSync(output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function check(file, bytes) {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
  if (imports.length > 0) {
    throw new Error(`${file} imports ${imports.map((i) => `${i.module}.${i.name}`).join(', ')}`);
  }
  if (sectionIds(bytes).includes(START_SECTION)) throw new Error(`${file} has a start function`);
  if (bytes.length > maxBytes) throw new Error(`${file} has ${bytes.length} bytes, more than ${maxBytes}`);
}

const layout = readFileSync(`${root}assembly/abi/layout.json`, 'utf8');
const abi = customSection('sallyport.abi', {
  name: 'sallyport_core',
  ...JSON.parse(layout).abi,
  layout: sha256(layout),
});
const id = buildId();
try {
  for (const { file, target } of BUILDS) {
    const flags = flagsOf({ ...common, ...targets[target] });
    const build = customSection('sallyport.build', { id, compiler: `asc ${asc.version}`, flags });
    const bytes = Buffer.concat([await compile(target), abi, build]);
    check(file, bytes);
    writeFileSync(join(options.out, file), bytes);
  }
} catch (error) {
  console.error(`build-wasm: ${error.message}`);
  process.exit(1);
}
