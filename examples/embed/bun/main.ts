// bun examples/embed/bun/main.ts CORE.wasm POLICY-FOLDER < VECTORS
import { DecisionCore } from '../lib/decision-core.mjs';
import { answerVectors } from '../lib/vectors.mjs';

const [wasm, policy] = Bun.argv.slice(2);
const { instance } = await WebAssembly.instantiate(await Bun.file(wasm).arrayBuffer());
const core = new DecisionCore(instance.exports);
core.loadPolicy(
  await Bun.file(`${policy}/policy.image`).bytes(),
  await Bun.file(`${policy}/policy.tables`).bytes(),
);

await Bun.write(Bun.stdout, answerVectors(core, await Bun.stdin.text()));
