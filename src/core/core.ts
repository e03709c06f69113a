/**
 * One instance of the decision core: parses ClientHellos and SYNs, holds the facts of one connection at a
 * time and decides. It never throws for what a client sent; statuses are numbers, see status.ts.
 */
import { FactSlots } from './fact-slots.ts';
import { HelloView } from './hello.ts';
import * as L from './layout.gen.ts';
import { type CoreModule, instantiateCore } from './module.ts';
import { SeenTexts } from './seen-texts.ts';
import { statusName } from './status.ts';

export type Tier = 'forbid' | 'exempt' | 'deny' | 'pin' | 'ladder';
export type HelloForm = 'records' | 'handshake';
export type HelloProto = 'tls' | 'dtls' | 'quic';

/** What one way of deciding comes to. */
export interface Outcome {
  /** False while facts of a later phase could still change the action. */
  final: boolean;
  tier: Tier;
  /** Policy index; -1 when a rule's verdict needs none. */
  policy: number;
  /** The winning rule, -1 when the ladder answered. */
  rule: number;
  score: number;
  /** The ladder's rung, -1 when a rule answered. */
  rung: number;
}

/** What `decide` answered. One object, filled anew by each call. */
export interface Decision extends Outcome {
  /** 0, or why there is no decision. */
  status: number;
  /** The least and the highest score that facts of later phases leave possible. */
  scoreLow: number;
  scoreHigh: number;
  /** Whose ladder answered; `site` when a rule did. */
  ladder: 'site' | 'canary';
  /** Every rule in force that holds, by its index in the program, ascending. */
  readonly matchedRules: number[];
  /** Every shadow rule that holds. */
  readonly wouldMatch: number[];
  /** Points by signal of the site's score, before the groups' caps; those of shadow signals are not in `score`. */
  signalPoints: Int16Array;
  /** 1 for each signal that holds. */
  signalMatched: Uint8Array;
  /** What would be decided with everything in shadow in force; null when the site has nothing in shadow. */
  shadow: Outcome | null;
}

/** By their numbers in the ABI. */
export const FORMS: readonly HelloForm[] = ['records', 'handshake'];
export const PROTOS: readonly HelloProto[] = ['tls', 'dtls', 'quic'];
const LADDERS: readonly Decision['ladder'][] = ['site', 'canary'];
export const TIERS: readonly Tier[] = ['forbid', 'exempt', 'deny', 'pin', 'ladder'];
/** Different SYNs whose signatures are kept as texts, as a power of two. */
const SYN_TEXT_BITS = 11;
const ALL_AT_ONCE = 0x7fff_ffff;
/** Nonces with the same upper half. */
const NONCES = 2 ** 32;

export class Core extends FactSlots {
  /** The ClientHello that `parse` answered 0 or a violation for. */
  readonly hello: HelloView;
  readonly #input: number;
  readonly #decisionAt: number;
  readonly #syn: number;
  readonly #synTexts: SeenTexts;
  readonly #batchAt: number;
  readonly #pow: number;
  readonly #decision: Decision;
  readonly #shadow: Outcome = { final: false, tier: 'ladder', policy: -1, rule: -1, score: 0, rung: -1 };
  /** Tables on their way into the core's memory. */
  #copying: { readonly tables: Uint8Array; readonly address: number; copied: number } | null = null;
  #maxHelloBytes: number = L.MAX_HELLO_BYTES_DEFAULT;

  /** @throws Error when the module has another ABI or fails its self-test. */
  constructor(module: CoreModule) {
    const exports = instantiateCore(module);
    super(exports);
    if (exports.sp_selftest() !== 0) throw new Error('the decision core failed its self-test');
    this.#input = exports.sp_region(L.REGION_INPUT);
    this.#decisionAt = exports.sp_region(L.REGION_DECISION);
    this.#syn = exports.sp_region(L.REGION_SYN);
    this.#synTexts = new SeenTexts(this.memory, SYN_TEXT_BITS);
    this.#batchAt = exports.sp_region(L.REGION_BATCH);
    this.#pow = exports.sp_region(L.REGION_POW);
    this.hello = new HelloView(exports, this.memory);
    this.#decision = {
      status: L.STATUS_IMAGE_MISSING,
      final: false,
      tier: 'ladder',
      policy: -1,
      rule: -1,
      score: 0,
      scoreLow: 0,
      scoreHigh: 0,
      rung: -1,
      ladder: 'site',
      matchedRules: [],
      wouldMatch: [],
      signalPoints: new Int16Array(0),
      signalMatched: new Uint8Array(0),
      shadow: null,
    };
  }

  /** Largest handshake message accepted, 64 to 131,072 bytes. @throws RangeError outside that. */
  set maxHelloBytes(bytes: number) {
    if (!Number.isInteger(bytes) || this.exports.sp_set_hello_limit(bytes) !== 0) {
      throw new RangeError(`maxHelloBytes must be an integer from 64 to ${L.MAX_HELLO_BYTES}, not ${bytes}`);
    }
    this.#maxHelloBytes = bytes;
  }

  get maxHelloBytes(): number {
    return this.#maxHelloBytes;
  }

  /** Verifies an image and puts it in force: its epoch, or a status and the previous one stays. */
  loadImage(image: Uint8Array): number {
    if (image.length > L.MAX_IMAGE_BYTES) return L.STATUS_IMAGE_SIZE;
    this.memory.bytes.set(image, this.exports.sp_region(L.REGION_IMAGE));
    return this.exports.sp_load_image(image.length);
  }

  /** Verifies tables and puts them in force for the images made with them: 0, or a status. */
  loadTables(tables: Uint8Array): number {
    let status = this.reserveTables(tables);
    if (status < 0) return status;
    do status = this.stepTables(ALL_AT_ONCE);
    while (status === 1);
    return status;
  }

  /** The beginning of `loadTables`: makes room. `stepTables` does the rest; `tables` must not change meanwhile. */
  reserveTables(tables: Uint8Array): number {
    this.#copying = null;
    const address = this.exports.sp_reserve_tables(tables.length);
    this.memory.refresh();
    if (address < 0) return address;
    this.#copying = { tables, address, copied: 0 };
    return 0;
  }

  /**
   * Copies or verifies up to `budget` (at least 64) more bytes: 1 while something is left, 0 once the tables are in
   * force, or a status. Until it answers 0 the previous tables stay in force, so connections go on between steps.
   */
  stepTables(budget: number): number {
    const copying = this.#copying;
    if (copying === null) return this.exports.sp_verify_tables(budget);
    const { tables, address, copied } = copying;
    this.memory.bytes.set(tables.subarray(copied, copied + budget), address + copied);
    copying.copied += budget;
    if (copying.copied >= tables.length) this.#copying = null;
    return 1;
  }

  #give(bytes: Uint8Array, offset: number, length: number): void {
    this.memory.bytes.set(
      offset === 0 && length === bytes.length ? bytes : bytes.subarray(offset, offset + length),
      this.#input,
    );
  }

  /** Reads a ClientHello and sets its facts: 0 complete, 1 more is needed, negative a status. */
  parse(bytes: Uint8Array, offset: number, length: number, form: HelloForm, proto: HelloProto): number {
    if (length > L.MAX_INPUT_BYTES) return L.STATUS_HELLO_TOO_LARGE;
    this.#give(bytes, offset, length);
    return this.exports.sp_parse(length, FORMS.indexOf(form), PROTOS.indexOf(proto));
  }

  /** Reads the IP and TCP headers of a SYN and sets `conn.syn`, `conn.ttl`, `conn.mss` and `conn.window`. */
  parseSyn(packet: Uint8Array): number {
    if (packet.length > L.MAX_INPUT_BYTES) return L.STATUS_INPUT_OVERFLOW;
    this.#give(packet, 0, packet.length);
    return this.exports.sp_parse_syn(packet.length);
  }

  /** The last SYN's signature in p0f's form; empty when it could not be read. */
  get synText(): string {
    const length = this.memory.view.getUint32(this.#syn + L.SYN_SIG_LENGTH_AT, true);
    return this.#synTexts.latin1(this.#syn + L.SYN_SIG_AT, length);
  }

  /** A number of the last SYN, by its offset in the ABI's `syn` structure. */
  synNumber(at: number): number {
    return this.memory.view.getUint32(this.#syn + at, true);
  }

  /** Decides for a site over the facts as they stand; facts of a phase after `phase` are pending. */
  decide(site: number, phase: 0 | 1 | 2 | 3): Decision {
    const status = this.exports.sp_decide(site, phase);
    const decision = this.#decision;
    decision.status = status;
    decision.matchedRules.length = 0;
    decision.wouldMatch.length = 0;
    decision.shadow = null;
    if (status < 0) {
      decision.final = false;
      return decision;
    }
    const view = this.memory.view;
    const at = this.#decisionAt;
    decision.final = view.getUint32(at + L.DECISION_FINAL_AT, true) === 1;
    decision.tier = TIERS[view.getUint32(at + L.DECISION_TIER_AT, true)]!;
    decision.policy = view.getInt32(at + L.DECISION_POLICY_AT, true);
    decision.rule = view.getInt32(at + L.DECISION_RULE_AT, true);
    decision.score = view.getInt32(at + L.DECISION_SCORE_AT, true);
    decision.scoreLow = view.getInt32(at + L.DECISION_SCORE_LOW_AT, true);
    decision.scoreHigh = view.getInt32(at + L.DECISION_SCORE_HIGH_AT, true);
    decision.rung = view.getInt32(at + L.DECISION_RUNG_AT, true);
    decision.ladder = LADDERS[view.getUint32(at + L.DECISION_LADDER_AT, true)]!;
    this.#readRules(decision.matchedRules, L.DECISION_MATCHED_RULE_COUNT_AT, L.DECISION_MATCHED_RULES_AT);
    this.#lookAtSignals(view.getUint32(at + L.DECISION_SIGNAL_COUNT_AT, true));
    if (view.getUint32(at + L.DECISION_SHADOW_AT, true) === 1) this.#readShadow();
    return decision;
  }

  #readRules(rules: number[], countAt: number, at: number): void {
    const count = this.memory.view.getUint32(this.#decisionAt + countAt, true);
    for (let i = 0; i < count; i++)
      rules.push(this.memory.view.getUint16(this.#decisionAt + at + i * 2, true));
  }

  #readShadow(): void {
    const view = this.memory.view;
    const at = this.#decisionAt;
    const shadow = this.#shadow;
    shadow.final = view.getUint32(at + L.DECISION_SHADOW_FINAL_AT, true) === 1;
    shadow.tier = TIERS[view.getUint32(at + L.DECISION_SHADOW_TIER_AT, true)]!;
    shadow.policy = view.getInt32(at + L.DECISION_SHADOW_POLICY_AT, true);
    shadow.rule = view.getInt32(at + L.DECISION_SHADOW_RULE_AT, true);
    shadow.score = view.getInt32(at + L.DECISION_SHADOW_SCORE_AT, true);
    shadow.rung = view.getInt32(at + L.DECISION_SHADOW_RUNG_AT, true);
    this.#decision.shadow = shadow;
    this.#readRules(this.#decision.wouldMatch, L.DECISION_WOULD_MATCH_COUNT_AT, L.DECISION_WOULD_MATCH_AT);
  }

  /** Keeps the views of the signal arrays unless their number or the memory changed. */
  #lookAtSignals(count: number): void {
    const decision = this.#decision;
    const { buffer } = this.memory.bytes;
    if (decision.signalPoints.length === count && decision.signalPoints.buffer === buffer) return;
    decision.signalPoints = new Int16Array(buffer, this.#decisionAt + L.DECISION_SIGNAL_POINTS_AT, count);
    decision.signalMatched = new Uint8Array(buffer, this.#decisionAt + L.DECISION_SIGNAL_MATCHED_AT, count);
  }

  /** Columns for `scoreBatch` and its scores, 1 MiB. Another view of the same memory after tables were loaded. */
  get batch(): Uint8Array {
    return new Uint8Array(this.memory.bytes.buffer, this.#batchAt, L.MAX_BATCH_BYTES);
  }

  /**
   * Scores rows by a score of the program: at `columns` in `batch` lies the place of each signal's column (32 bits,
   * negative: none), at `out` the scores will. Columns are described in docs/abi.md. 0, or a status.
   */
  scoreBatch(score: number, rows: number, columns: number, out: number): number {
    return this.exports.sp_score_batch(score, rows, columns, out);
  }

  /** Leading zero bits (0 to 256) of the SHA-256 of at most 262,144 bytes, or a status. */
  leadingZeroBits(data: Uint8Array): number {
    if (data.length > L.MAX_INPUT_BYTES) return L.STATUS_INPUT_OVERFLOW;
    this.#give(data, 0, data.length);
    return this.exports.sp_leading_zero_bits(data.length);
  }

  /**
   * As `leadingZeroBits`, of up to 128 items of at most 248 bytes in one call, which is several times as fast:
   * 0, or a status and `into` is as before. `into` has room for as many numbers.
   */
  leadingZeroBitsOf(items: readonly Uint8Array[], into: Uint16Array): number {
    if (items.length > L.MAX_POW_BATCH) return L.STATUS_BAD_ARGUMENT;
    for (let i = 0; i < items.length; i++) {
      const { length } = items[i]!;
      if (length > L.POW_BYTES - L.POW_DATA_AT) return L.STATUS_INPUT_OVERFLOW;
      const at = this.#pow + i * L.POW_BYTES;
      this.memory.bytes.set(items[i]!, at + L.POW_DATA_AT);
      this.memory.view.setUint32(at + L.POW_LENGTH_AT, length, true);
    }
    const status = this.exports.sp_pow_check(items.length);
    for (let i = 0; i < items.length && status === 0; i++) {
      into[i] = this.memory.view.getUint32(this.#pow + i * L.POW_BYTES + L.POW_ZERO_BITS_AT, true);
    }
    return status;
  }

  /**
   * Tries the nonces `first` to `first + count - 1` (below 2^32) after a prefix, in decimal ASCII. Returns
   * the first nonce whose SHA-256 begins with `bits` zero bits, or null.
   */
  solve(prefix: Uint8Array, first: number, count: number, bits: number): number | null {
    if (prefix.length > L.MAX_INPUT_BYTES) throw new RangeError('the prefix is larger than the input region');
    this.#give(prefix, 0, prefix.length);
    const distance = this.exports.sp_solve(prefix.length, first, count, bits);
    return distance < 0 ? null : first + distance;
  }

  /**
   * As `solve`, with the nonce in front: eight bytes, big-endian. Tries `count` (below 2^31) nonces from `first`, a safe
   * integer, but none that differs from it in the upper half. @throws RangeError when there is more than 247 bytes to
   * hash after the nonce.
   */
  solveFront(rest: Uint8Array, first: number, count: number, bits: number): number | null {
    this.#give(rest, 0, rest.length);
    const high = Math.floor(first / NONCES);
    const distance = this.exports.sp_solve_front(rest.length, high, first % NONCES, count, bits);
    if (distance < -1) throw new RangeError(`cannot solve: ${statusName(distance)}`);
    return distance < 0 ? null : first + distance;
  }
}
