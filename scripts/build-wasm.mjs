// Compiles assembly/ to src/core/sallyport_core.wasm and checks what every host relies on: no imports,
// no start function, a small file. Appends a custom section that names the ABI.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const MAX_BYTES = 64 * 1024;
const root = fileURLToPath(new URL('..', import.meta.url));
const output = 'src/core/sallyport_core.wasm';
const { abi } = JSON.parse(readFileSync(`${root}assembly/abi/layout.json`, 'utf8'));

function fail(message) {
  console.error(`build-wasm: ${message}`);
  process.exit(1);
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

function customSection(name, text) {
  const nameBytes = Buffer.from(name);
  const content = [...leb128(nameBytes.length), ...nameBytes, ...Buffer.from(text)];
  return [0, ...leb128(content.length), ...content];
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

const { error, stderr } = await asc.main([
  'assembly/index.ts',
  ...['--baseDir', root, '--outFile', output],
  ...['--runtime', 'stub', '--use', 'abort=', '-O3', '--converge', '--noAssert'],
]);
if (error) fail(`${stderr.toString()}${error.message}`);

const compiled = readFileSync(`${root}${output}`);
const named = customSection('sallyport.abi', JSON.stringify({ name: 'sallyport_core', ...abi }));
const bytes = Buffer.concat([compiled, Buffer.from(named)]);
const module = new WebAssembly.Module(bytes);

const START_SECTION = 8;
const imports = WebAssembly.Module.imports(module);
if (imports.length > 0) fail(`the module imports ${imports.map((i) => `${i.module}.${i.name}`).join(', ')}`);
if (sectionIds(bytes).includes(START_SECTION)) fail('the module has a start function');
if (bytes.length > MAX_BYTES) fail(`the module has ${bytes.length} bytes, more than ${MAX_BYTES}`);
writeFileSync(`${root}${output}`, bytes);
