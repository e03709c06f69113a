/** The decision core with the examples' policy, as a page loads them. */
import { DecisionCore } from '../lib/decision-core.mjs';

async function fetchBytes(path) {
  const response = await fetch(new URL(path, import.meta.url));
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @throws Error when a file is not there (serve the repository's root, and build the module first) or refused. */
export async function loadCore() {
  const [wasm, image, tables] = await Promise.all(
    ['../../../src/core/sallyport_core.wasm', '../policy/policy.image', '../policy/policy.tables'].map(
      fetchBytes,
    ),
  );
  const { instance } = await WebAssembly.instantiate(wasm);
  const core = new DecisionCore(instance.exports);
  core.loadPolicy(image, tables);
  return core;
}
