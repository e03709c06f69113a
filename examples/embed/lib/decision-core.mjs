/**
 * A host of the decision core for any JavaScript runtime: no imports but the ABI's constants, no file and
 * no network access. Whoever uses it brings the instance; docs/abi.md describes every call.
 */
import * as SP from '../../../include/sallyport_core.mjs';

const VERIFY_ALL = 0x7fffffff;
/** The policy evaluates the one site it has. */
const SITE = 0;
const PUZZLE = { nonces: 65536, bits: 10 };

const ascii = (bytes) => String.fromCharCode(...bytes);

export class DecisionCore {
  #core;

  /**
   * `exports` are those of an instance made with no imports.
   * @throws Error when the module is of another major version, or the engine cannot be trusted with it.
   */
  constructor(exports) {
    this.#core = exports;
    const version = exports.sp_abi_version.value;
    if (version >> 16 !== SP.ABI_VERSION >> 16) throw new Error(`the module has ABI ${version >> 16}`);
    if (exports.sp_selftest() !== 0) throw new Error('the decision core failed its self-test');
  }

  /** A view of a region, made anew each time: the memory's buffer changes when the memory grows. */
  #bytes(region, offset, length) {
    return new Uint8Array(this.#core.memory.buffer, this.#core.sp_region(region) + offset, length);
  }

  #view(region) {
    return new DataView(this.#core.memory.buffer, this.#core.sp_region(region));
  }

  /** Puts a policy in force: its tables first, then the image that reads them. @throws Error with the status. */
  loadPolicy(image, tables) {
    const address = this.#core.sp_reserve_tables(tables.length);
    if (address < 0) throw new Error(`the tables were refused: ${address}`);
    new Uint8Array(this.#core.memory.buffer, address, tables.length).set(tables);
    let verified;
    do verified = this.#core.sp_verify_tables(VERIFY_ALL);
    while (verified === 1);
    if (verified !== 0) throw new Error(`the tables were refused: ${verified}`);
    this.#bytes(SP.REGION_IMAGE, 0, image.length).set(image);
    const epoch = this.#core.sp_load_image(image.length);
    if (epoch < 0) throw new Error(`the image was refused: ${epoch}`);
  }

  /**
   * Everything about one client: `ip` has 4 or 16 bytes, `syn` the IP and TCP headers of its SYN (or none),
   * `hello` its first bytes. Nothing of one client is left for the next.
   */
  look({ name, form, proto, ip, syn, hello }) {
    const core = this.#core;
    core.sp_begin();
    this.#setAddress(ip);
    this.#bytes(SP.REGION_INPUT, 0, syn.length).set(syn);
    const synStatus = core.sp_parse_syn(syn.length);
    this.#bytes(SP.REGION_INPUT, 0, hello.length).set(hello);
    const helloStatus = core.sp_parse(hello.length, form, proto);
    const decideStatus = core.sp_decide(SITE, SP.PHASE_HELLO);
    if (decideStatus !== 0) throw new Error(`no decision: ${decideStatus}`);
    return {
      name,
      hello: helloStatus,
      syn: synStatus,
      sni: this.#sni(),
      ...this.#fingerprints(helloStatus),
      sig: synStatus === 0 ? this.#signature() : null,
      ...this.#decision(),
    };
  }

  /** The first of 65,536 nonces after `prefix` whose SHA-256 begins with 10 zero bits, or -1. */
  solve(prefix) {
    this.#bytes(SP.REGION_INPUT, 0, prefix.length).set(prefix);
    return this.#core.sp_solve(prefix.length, 0, PUZZLE.nonces, PUZZLE.bits);
  }

  #setAddress(ip) {
    this.#bytes(SP.REGION_VALUES, 0, ip.length).set(ip);
    const slot = SP.FACT_CONN_IP * SP.SLOT_BYTES;
    const slots = this.#view(SP.REGION_SLOTS);
    slots.setUint32(slot + SP.SLOT_OFFSET_AT, 0, true);
    slots.setUint32(slot + SP.SLOT_LENGTH_AT, ip.length, true);
    slots.setUint32(slot + SP.SLOT_STATE_AT, ip.length === 4 ? SP.STATE_IP4 : SP.STATE_IP6, true);
  }

  #sni() {
    const slots = this.#view(SP.REGION_SLOTS);
    const slot = SP.FACT_HELLO_SNI * SP.SLOT_BYTES;
    if (slots.getUint32(slot + SP.SLOT_STATE_AT, true) !== SP.STATE_BYTES) return null;
    const offset = slots.getUint32(slot + SP.SLOT_OFFSET_AT, true);
    return ascii(this.#bytes(SP.REGION_VALUES, offset, slots.getUint32(slot + SP.SLOT_LENGTH_AT, true)));
  }

  /** A hello that only breaks a rule of the protocol could be read, and has fingerprints. */
  #fingerprints(status) {
    if (status !== 0 && (status > 0 || -status >> 16 !== SP.CATEGORY_VIOLATION)) {
      return { ja3: null, ja4: null, ja4_r: null };
    }
    return {
      ja3: ascii(this.#bytes(SP.REGION_HELLO, SP.HELLO_JA3_HASH_AT, 32)),
      ja4: ascii(this.#bytes(SP.REGION_HELLO, SP.HELLO_JA4_AT, 36)),
      ja4_r: ascii(this.#bytes(SP.REGION_TEXT, 0, this.#core.sp_hello_text(SP.TEXT_JA4_R))),
    };
  }

  #signature() {
    const length = this.#view(SP.REGION_SYN).getUint32(SP.SYN_SIG_LENGTH_AT, true);
    return ascii(this.#bytes(SP.REGION_SYN, SP.SYN_SIG_AT, length));
  }

  #decision() {
    const view = this.#view(SP.REGION_DECISION);
    const number = (at) => view.getInt32(at, true);
    const list = (count, read) => Array.from({ length: count }, (_, i) => read(i));
    return {
      tier: number(SP.DECISION_TIER_AT),
      policy: number(SP.DECISION_POLICY_AT),
      rule: number(SP.DECISION_RULE_AT),
      rung: number(SP.DECISION_RUNG_AT),
      score: number(SP.DECISION_SCORE_AT),
      score_low: number(SP.DECISION_SCORE_LOW_AT),
      score_high: number(SP.DECISION_SCORE_HIGH_AT),
      final: number(SP.DECISION_FINAL_AT),
      matched_rules: list(number(SP.DECISION_MATCHED_RULE_COUNT_AT), (i) =>
        view.getUint16(SP.DECISION_MATCHED_RULES_AT + i * 2, true),
      ),
      signal_points: list(number(SP.DECISION_SIGNAL_COUNT_AT), (i) =>
        view.getInt16(SP.DECISION_SIGNAL_POINTS_AT + i * 2, true),
      ),
    };
  }
}
