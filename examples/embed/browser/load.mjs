/** The decision core with the examples' policy, as a page loads them. */
import { DecisionCore } from '../lib/decision-core.mjs';

async function fetchBytes(path) {
  const response = await fetch(new URL(path, import.meta.url));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The SIMD twin gives the same answers faster, where the browser takes it. */
async function compileCore() {
  const simd = await fetchBytes('../../../src/core/sallyport_core_simd.wasm');
  if (WebAssembly.validate(simd)) return WebAssembly.compile(simd);
  return WebAssembly.compile(await fetchBytes('../../../src/core/sallyport_core.wasm'));
}

/** @throws Error when a file is not there (serve the repository's root, and build the module first) or refused. */
export async function loadCore() {
  const files = ['../policy/policy.image', '../policy/policy.tables'].map(fetchBytes);
  const [module, image, tables] = await Promise.all([compileCore(), ...files]);
  const core = new DecisionCore(new WebAssembly.Instance(module).exports);
  core.loadPolicy(image, tables);
  return core;
}
