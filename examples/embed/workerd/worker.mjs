// A Cloudflare Worker that answers vectors posted to it. Workers may not compile bytes at run time: the module
// comes compiled with the deployment, and so does the policy.

import { DecisionCore } from '../lib/decision-core.mjs';
import { answerVectors } from '../lib/vectors.mjs';
import image from './policy.image';
import tables from './policy.tables';
import module from './sallyport_core.wasm';

const core = new DecisionCore(new WebAssembly.Instance(module).exports);
core.loadPolicy(new Uint8Array(image), new Uint8Array(tables));

export default {
  async fetch(request) {
    if (request.method !== 'POST') return new Response('post vectors here\n', { status: 405 });
    const type = { 'content-type': 'application/x-ndjson' };
    return new Response(answerVectors(core, await request.text()), { headers: type });
  },
};
