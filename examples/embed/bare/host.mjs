// The decision core with nothing but WebAssembly.instantiate: node host.mjs CORE.wasm POLICY-FOLDER < VECTORS
import { readFileSync } from 'node:fs';

const SP = await import('../../../include/sallyport_core.mjs');
const [wasm, policy] = process.argv.slice(2);
const core = (await WebAssembly.instantiate(readFileSync(wasm))).instance.exports;
const at = (region, field) => core.sp_region(SP[`REGION_${region}`]) + (SP[`${region}_${field}_AT`] ?? 0);
const view = (Type, address, count = 1) => new Type(core.memory.buffer, address, count);
const put = (bytes, address) => view(Uint8Array, address, bytes.length).set(bytes) ?? bytes.length;
const text = (address, length) => String.fromCharCode(...view(Uint8Array, address, length));
const int = (region, field) => view(Int32Array, at(region, field))[0];
const [image, tables] = ['image', 'tables'].map((kind) => readFileSync(`${policy}/policy.${kind}`));
put(tables, core.sp_reserve_tables(tables.length));
let status = core.sp_selftest() || 1;
while (status === 1) status = core.sp_verify_tables(1 << 30); // 1: more is left
if (status < 0 || core.sp_load_image(put(image, at('IMAGE'))) < 0) throw new Error('the policy is refused');
for (const line of readFileSync(0, 'utf8').match(/^[^#\n].*/gm)) {
  const [name, form, proto, ...hex] = line.split('\t');
  const [ip, packet, bytes] = hex.map((digits) => Buffer.from(digits, 'hex')); // `-` is nothing
  core.sp_begin();
  const slot = (fact) => view(Uint32Array, at('SLOTS') + fact * SP.SLOT_BYTES, 3); // state, offset, length
  slot(SP.FACT_CONN_IP).set([ip.length === 4 ? SP.STATE_IP4 : SP.STATE_IP6, 0, put(ip, at('VALUES'))]);
  const syn = core.sp_parse_syn(put(packet, at('INPUT')));
  const hello = core.sp_parse(put(bytes, at('INPUT')), Number(form), Number(proto));
  core.sp_decide(0, SP.PHASE_HELLO);
  const [known, offset, length] = slot(SP.FACT_HELLO_SNI);
  const sni = known ? text(at('VALUES') + offset, length) : null;
  const readable = hello === 0 || (hello < 0 && -hello >> 16 === SP.CATEGORY_VIOLATION);
  const ja3 = readable ? text(at('HELLO', 'JA3_HASH'), 32) : null;
  const ja4 = readable ? text(at('HELLO', 'JA4'), 36) : null;
  const ja4_r = readable ? text(at('TEXT'), core.sp_hello_text(SP.TEXT_JA4_R)) : null;
  const sig = syn === 0 ? text(at('SYN', 'SIG'), int('SYN', 'SIG_LENGTH')) : null;
  const answer = { name, hello, syn, sni, ja3, ja4, ja4_r, sig };
  for (const field of ['tier', 'policy', 'rule', 'rung', 'score', 'score_low', 'score_high', 'final'])
    answer[field] = int('DECISION', field.toUpperCase());
  const list = (Type, name, count) => [...view(Type, at('DECISION', name), int('DECISION', count))];
  answer.matched_rules = list(Uint16Array, 'MATCHED_RULES', 'MATCHED_RULE_COUNT');
  answer.signal_points = list(Int16Array, 'SIGNAL_POINTS', 'SIGNAL_COUNT');
  answer.puzzle = core.sp_solve(put(ip, at('INPUT')), 0, 65536, 10);
  console.log(JSON.stringify(answer));
}
