// deno run --allow-read examples/embed/deno/main.ts CORE.wasm POLICY-FOLDER < VECTORS
import { DecisionCore } from '../lib/decision-core.mjs';
import { answerVectors } from '../lib/vectors.mjs';

const [wasm, policy] = Deno.args;
const { instance } = await WebAssembly.instantiate(await Deno.readFile(wasm));
const core = new DecisionCore(instance.exports);
core.loadPolicy(
  await Deno.readFile(`${policy}/policy.image`),
  await Deno.readFile(`${policy}/policy.tables`),
);

const answers = answerVectors(core, await new Response(Deno.stdin.readable).text());
await new Response(answers).body.pipeTo(Deno.stdout.writable);
