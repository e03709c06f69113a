/**
 * One instance of the decision core: parses ClientHellos and SYNs, holds the facts of one connection at a
 * time and decides. It never throws for what a client sent; statuses are numbers, see status.ts.
 */
import { HelloView } from './hello.ts';
import * as L from './layout.gen.ts';
import { type CoreExports, type CoreModule, instantiateCore } from './module.ts';

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
const ALL_AT_ONCE = 0x7fff_ffff;

export class Core {
  /** The ClientHello that `parse` answered 0 or a violation for. */
  readonly hello: HelloView;
  readonly #exports: CoreExports;
  readonly #input: number;
  readonly #values: number;
  readonly #slots: number;
  readonly #rates: number;
  readonly #draws: number;
  readonly #decisionAt: number;
  readonly #syn: number;
  readonly #batchAt: number;
  readonly #pow: number;
  readonly #encoder = new TextEncoder();
  readonly #decision: Decision;
  readonly #shadow: Outcome = { final: false, tier: 'ladder', policy: -1, rule: -1, score: 0, rung: -1 };
  #bytes: Uint8Array;
  #view: DataView;
  /** Where the next value of the host goes, from the start of the values region. */
  #cursor = 0;
  /** Tables on their way into the core's memory. */
  #copying: { readonly tables: Uint8Array; readonly address: number; copied: number } | null = null;
  #maxHelloBytes: number = L.MAX_HELLO_BYTES_DEFAULT;

  /** @throws Error when the module has another ABI or fails its self-test. */
  constructor(module: CoreModule) {
    const exports = instantiateCore(module);
    if (exports.sp_selftest() !== 0) throw new Error('the decision core failed its self-test');
    this.#exports = exports;
    this.#input = exports.sp_region(L.REGION_INPUT);
    this.#values = exports.sp_region(L.REGION_VALUES);
    this.#slots = exports.sp_region(L.REGION_SLOTS);
    this.#rates = exports.sp_region(L.REGION_RATES);
    this.#draws = exports.sp_region(L.REGION_DRAWS);
    this.#decisionAt = exports.sp_region(L.REGION_DECISION);
    this.#syn = exports.sp_region(L.REGION_SYN);
    this.#batchAt = exports.sp_region(L.REGION_BATCH);
    this.#pow = exports.sp_region(L.REGION_POW);
    this.#bytes = new Uint8Array(exports.memory.buffer);
    this.#view = new DataView(exports.memory.buffer);
    this.hello = new HelloView(exports);
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
    if (!Number.isInteger(bytes) || this.#exports.sp_set_hello_limit(bytes) !== 0) {
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
    this.#bytes.set(image, this.#exports.sp_region(L.REGION_IMAGE));
    return this.#exports.sp_load_image(image.length);
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
    const address = this.#exports.sp_reserve_tables(tables.length);
    if (this.#bytes.buffer !== this.#exports.memory.buffer) {
      this.#bytes = new Uint8Array(this.#exports.memory.buffer);
      this.#view = new DataView(this.#exports.memory.buffer);
    }
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
    if (copying === null) return this.#exports.sp_verify_tables(budget);
    const { tables, address, copied } = copying;
    this.#bytes.set(tables.subarray(copied, copied + budget), address + copied);
    copying.copied += budget;
    if (copying.copied >= tables.length) this.#copying = null;
    return 1;
  }

  /** Starts a connection: every fact, rate and draw is unknown. */
  begin(): void {
    this.#exports.sp_begin();
    this.#cursor = 0;
  }

  #slot(fact: number, state: number): number {
    if (!(fact >= 0 && fact < L.FACT_COUNT)) throw new RangeError(`no fact ${fact}`);
    const slot = this.#slots + fact * L.SLOT_BYTES;
    this.#view.setUint32(slot + L.SLOT_STATE_AT, state, true);
    return slot;
  }

  /** Booleans are 0 and 1; units are those of `Atom` in pdl/ir.ts. */
  setNumber(fact: number, value: number): void {
    const slot = this.#slot(fact, L.STATE_NUMBER);
    this.#view.setFloat64(slot + L.SLOT_VALUE_AT, value, true);
  }

  setUnknown(fact: number): void {
    this.#slot(fact, L.STATE_UNKNOWN);
  }

  #keep(fact: number, state: number, length: number, count: number): void {
    const slot = this.#slot(fact, state);
    this.#view.setUint32(slot + L.SLOT_OFFSET_AT, this.#cursor, true);
    this.#view.setUint32(slot + L.SLOT_LENGTH_AT, length, true);
    this.#view.setFloat64(slot + L.SLOT_VALUE_AT, count, true);
    // Codes are read in pairs of bytes, so every value begins on an even address.
    this.#cursor += (length + 1) & ~1;
  }

  /** Is there room for a value? Without it the fact stays unknown, as a missing one. */
  #hasRoom(fact: number, length: number): boolean {
    if (this.#cursor + length <= L.MAX_HOST_VALUE_BYTES) return true;
    this.setUnknown(fact);
    return false;
  }

  setBytes(fact: number, bytes: Uint8Array): void {
    if (!this.#hasRoom(fact, bytes.length)) return;
    this.#bytes.set(bytes, this.#values + this.#cursor);
    this.#keep(fact, L.STATE_BYTES, bytes.length, 0);
  }

  /** As UTF-8. */
  setText(fact: number, text: string): void {
    if (!this.#hasRoom(fact, text.length * 3)) return;
    const at = this.#values + this.#cursor;
    const { written } = this.#encoder.encodeInto(text, this.#bytes.subarray(at, at + text.length * 3));
    this.#keep(fact, L.STATE_BYTES, written, 0);
  }

  /** Code points of 16 bits. */
  setList(fact: number, values: readonly number[]): void {
    if (!this.#hasRoom(fact, values.length * 2)) return;
    const at = this.#values + this.#cursor;
    for (let i = 0; i < values.length; i++) this.#view.setUint16(at + i * 2, values[i]!, true);
    this.#keep(fact, L.STATE_CODES, values.length * 2, values.length);
  }

  /** Strings of at most 255 bytes each, as ALPN names are. */
  setStrings(fact: number, values: readonly string[]): void {
    const list = Buffer.concat(
      values.map((value) => {
        const bytes = Buffer.from(value);
        return Buffer.from([Math.min(bytes.length, 255), ...bytes.subarray(0, 255)]);
      }),
    );
    if (!this.#hasRoom(fact, list.length)) return;
    this.#bytes.set(list, this.#values + this.#cursor);
    this.#keep(fact, L.STATE_STRINGS, list.length, values.length);
  }

  /** An address of 16 bytes; IPv4 in its last four. */
  setIp(fact: number, ip: Uint8Array, isV4: boolean): void {
    const length = isV4 ? 4 : 16;
    if (!this.#hasRoom(fact, length)) return;
    const at = this.#values + this.#cursor;
    for (let i = 0; i < length; i++) this.#bytes[at + i] = ip[16 - length + i]!;
    this.#keep(fact, isV4 ? L.STATE_IP4 : L.STATE_IP6, length, 0);
  }

  /** What a fact with a number holds, also one that the core set itself; null when it is unknown. */
  readNumber(fact: number): number | null {
    const slot = this.#slots + fact * L.SLOT_BYTES;
    if (this.#view.getUint32(slot + L.SLOT_STATE_AT, true) !== L.STATE_NUMBER) return null;
    return this.#view.getFloat64(slot + L.SLOT_VALUE_AT, true);
  }

  /** What a fact with a text holds; null when it is unknown. */
  readText(fact: number): string | null {
    const slot = this.#slots + fact * L.SLOT_BYTES;
    if (this.#view.getUint32(slot + L.SLOT_STATE_AT, true) !== L.STATE_BYTES) return null;
    const at = this.#values + this.#view.getUint32(slot + L.SLOT_OFFSET_AT, true);
    return Buffer.from(
      this.#bytes.buffer,
      at,
      this.#view.getUint32(slot + L.SLOT_LENGTH_AT, true),
    ).toString();
  }

  /** Rate of a counter in events per second times 1,000,000. */
  setRate(counter: number, microPerSecond: number): void {
    if (!(counter >= 0 && counter < L.MAX_COUNTERS)) throw new RangeError(`no counter ${counter}`);
    const rate = this.#rates + counter * L.RATE_BYTES;
    this.#view.setUint32(rate + L.RATE_KNOWN_AT, 1, true);
    this.#view.setFloat64(rate + L.RATE_VALUE_AT, microPerSecond, true);
  }

  /** The connection's draw of a canary, below 1,000,000. */
  setDraw(canary: number, millionths: number): void {
    if (!(canary >= 0 && canary < L.MAX_CANARIES)) throw new RangeError(`no canary ${canary}`);
    const draw = this.#draws + canary * L.RATE_BYTES;
    this.#view.setUint32(draw + L.RATE_KNOWN_AT, 1, true);
    this.#view.setFloat64(draw + L.RATE_VALUE_AT, millionths, true);
  }

  /** What `setDraw` was given for this connection, null before that. */
  drawOf(canary: number): number | null {
    const draw = this.#draws + canary * L.RATE_BYTES;
    const isKnown = this.#view.getUint32(draw + L.RATE_KNOWN_AT, true) === 1;
    return isKnown ? this.#view.getFloat64(draw + L.RATE_VALUE_AT, true) : null;
  }

  #give(bytes: Uint8Array, offset: number, length: number): void {
    this.#bytes.set(
      offset === 0 && length === bytes.length ? bytes : bytes.subarray(offset, offset + length),
      this.#input,
    );
  }

  /** Reads a ClientHello and sets its facts: 0 complete, 1 more is needed, negative a status. */
  parse(bytes: Uint8Array, offset: number, length: number, form: HelloForm, proto: HelloProto): number {
    if (length > L.MAX_INPUT_BYTES) return L.STATUS_HELLO_TOO_LARGE;
    this.#give(bytes, offset, length);
    return this.#exports.sp_parse(length, FORMS.indexOf(form), PROTOS.indexOf(proto));
  }

  /** Reads the IP and TCP headers of a SYN and sets `conn.syn`, `conn.ttl`, `conn.mss` and `conn.window`. */
  parseSyn(packet: Uint8Array): number {
    if (packet.length > L.MAX_INPUT_BYTES) return L.STATUS_INPUT_OVERFLOW;
    this.#give(packet, 0, packet.length);
    return this.#exports.sp_parse_syn(packet.length);
  }

  /** The last SYN's signature in p0f's form; empty when it could not be read. */
  get synText(): string {
    const length = this.#view.getUint32(this.#syn + L.SYN_SIG_LENGTH_AT, true);
    const at = this.#syn + L.SYN_SIG_AT;
    return Buffer.from(this.#bytes.buffer, at, length).toString('latin1');
  }

  /** A number of the last SYN, by its offset in the ABI's `syn` structure. */
  synNumber(at: number): number {
    return this.#view.getUint32(this.#syn + at, true);
  }

  /** Decides for a site over the facts as they stand; facts of a phase after `phase` are pending. */
  decide(site: number, phase: 0 | 1 | 2 | 3): Decision {
    const status = this.#exports.sp_decide(site, phase);
    const decision = this.#decision;
    decision.status = status;
    decision.matchedRules.length = 0;
    decision.wouldMatch.length = 0;
    decision.shadow = null;
    if (status < 0) {
      decision.final = false;
      return decision;
    }
    const view = this.#view;
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
    const count = this.#view.getUint32(this.#decisionAt + countAt, true);
    for (let i = 0; i < count; i++) rules.push(this.#view.getUint16(this.#decisionAt + at + i * 2, true));
  }

  #readShadow(): void {
    const view = this.#view;
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
    const { buffer } = this.#bytes;
    if (decision.signalPoints.length === count && decision.signalPoints.buffer === buffer) return;
    decision.signalPoints = new Int16Array(buffer, this.#decisionAt + L.DECISION_SIGNAL_POINTS_AT, count);
    decision.signalMatched = new Uint8Array(buffer, this.#decisionAt + L.DECISION_SIGNAL_MATCHED_AT, count);
  }

  /** Columns for `scoreBatch` and its scores, 1 MiB. Another view of the same memory after tables were loaded. */
  get batch(): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#batchAt, L.MAX_BATCH_BYTES);
  }

  /**
   * Scores rows by a score of the program: at `columns` in `batch` lies the place of each signal's column (32 bits,
   * negative: none), at `out` the scores will. Columns are described in docs/abi.md. 0, or a status.
   */
  scoreBatch(score: number, rows: number, columns: number, out: number): number {
    return this.#exports.sp_score_batch(score, rows, columns, out);
  }

  /** Leading zero bits (0 to 256) of the SHA-256 of at most 262,144 bytes, or a status. */
  leadingZeroBits(data: Uint8Array): number {
    if (data.length > L.MAX_INPUT_BYTES) return L.STATUS_INPUT_OVERFLOW;
    this.#give(data, 0, data.length);
    return this.#exports.sp_leading_zero_bits(data.length);
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
      this.#bytes.set(items[i]!, at + L.POW_DATA_AT);
      this.#view.setUint32(at + L.POW_LENGTH_AT, length, true);
    }
    const status = this.#exports.sp_pow_check(items.length);
    for (let i = 0; i < items.length && status === 0; i++) {
      into[i] = this.#view.getUint32(this.#pow + i * L.POW_BYTES + L.POW_ZERO_BITS_AT, true);
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
    const distance = this.#exports.sp_solve(prefix.length, first, count, bits);
    return distance < 0 ? null : first + distance;
  }
}
