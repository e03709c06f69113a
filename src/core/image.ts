/** A compiled program as the image the decision core evaluates. */
import { createHash } from 'node:crypto';
import type { Condition, Operand, Program, Rule, Rung, Site } from '../pdl/ir.ts';
import { rankOutcomes } from '../pdl/strictness.ts';
import { type EncodedAtoms, encodeAtoms } from './atoms.ts';
import { canonicalJson } from './canonical.ts';
import { withDemands } from './demands.ts';
import * as L from './layout.gen.ts';
import { atMost } from './limits.ts';
import { type EncodedOperand, encodeOperand } from './operands.ts';
import { Section } from './section.ts';
import { tablesId } from './tables.ts';

export { encodeTables, FeedError } from './tables.ts';

const TIERS: readonly Rule['tier'][] = ['forbid', 'exempt', 'deny', 'pin'];
const SECTIONS = 11;

/**
 * Encodes a program. `imageId` is the hex SHA-256 of its canonical form and the ABI, and names a decision's
 * origin in every record.
 * @throws RangeError when the program is beyond a limit of the ABI.
 */
export function encodeProgram(program: Program): { image: Uint8Array; imageId: string } {
  const identity = createHash('sha256')
    .update(`${canonicalJson(program)}\n${L.ABI_VERSION}`)
    .digest('hex');
  return { image: new ImageEncoder(withDemands(program)).encode(), imageId: identity };
}

const ALWAYS: Condition = [{ yes: [], no: [] }];

class ImageEncoder {
  readonly #program: Program;
  readonly #atoms: EncodedAtoms;
  readonly #cubes = new Section(L.CUBE_BYTES);
  readonly #rules = new Section(L.RULE_BYTES);
  readonly #signals = new Section(L.SIGNAL_BYTES);
  readonly #groups = new Section(L.GROUP_BYTES);
  readonly #scores = new Section(L.SCORE_BYTES);
  readonly #sites = new Section(L.SITE_BYTES);
  readonly #rungs = new Section(L.RUNG_BYTES);
  readonly #siteRules = new Section(4);
  /** Facts that an atom or a ramp reads. */
  readonly #facts = new Set<number>();

  constructor(program: Program) {
    this.#program = program;
    this.#atoms = encodeAtoms(program);
  }

  encode(): Uint8Array {
    const program = this.#program;
    atMost('rules', program.rules.length, L.MAX_RULES);
    atMost('counters', program.counters.length, L.MAX_COUNTERS);
    atMost('canaries', program.canaries.length, L.MAX_CANARIES);
    for (const { operand } of program.atoms) this.#read(operand);
    this.#addRules();
    for (const score of program.scores) this.#addScore(score);
    for (const site of program.sites) this.#addSite(site);
    return this.#assemble();
  }

  #read(operand: Operand): void {
    if ('fact' in operand) this.#facts.add(operand.fact);
    else if ('lookup' in operand) this.#facts.add(operand.of);
  }

  #operand(operand: Operand): EncodedOperand {
    this.#read(operand);
    return encodeOperand(this.#program, operand);
  }

  /** Adds a condition's cubes and returns the first one's index. */
  #addCubes(condition: Condition): number {
    atMost('cubes in one condition', condition.length, L.MAX_CUBES_PER_CONDITION);
    const first = this.#cubes.count;
    for (const cube of condition) {
      const at = this.#cubes.add();
      for (const atom of cube.yes) this.#cubes.bit(at + L.CUBE_YES_AT, this.#place(atom));
      for (const atom of cube.no) this.#cubes.bit(at + L.CUBE_NO_AT, this.#place(atom));
    }
    return first;
  }

  /** Where an atom of the program stands in the image. */
  #place(atom: number): number {
    const place = this.#atoms.places[atom];
    if (place === undefined) throw new RangeError(`no atom ${atom}`);
    return place;
  }

  #addRules(): void {
    const ranks = rankOutcomes(this.#program);
    this.#program.rules.forEach((rule, index) => {
      const at = this.#rules.add();
      this.#rules.u32(at + L.RULE_TIER_AT, TIERS.indexOf(rule.tier));
      this.#rules.u32(at + L.RULE_FIRST_CUBE_AT, this.#addCubes(rule.when));
      this.#rules.u32(at + L.RULE_CUBE_COUNT_AT, rule.when.length);
      this.#rules.u32(at + L.RULE_STRICTNESS_AT, ranks[index]!);
      this.#rules.i32(at + L.RULE_POLICY_AT, rule.outcome.action === 'use' ? rule.outcome.policy : -1);
      this.#rules.u32(at + L.RULE_IS_SHADOW_AT, rule.shadow ? 1 : 0);
    });
  }

  #addScore(score: Program['scores'][number]): void {
    atMost('signals in one score', score.signals.length, L.MAX_SIGNALS);
    atMost('groups in one score', score.groups.length, L.MAX_SIGNALS);
    const at = this.#scores.add();
    this.#scores.i32(at + L.SCORE_MIN_AT, score.min);
    this.#scores.i32(at + L.SCORE_MAX_AT, score.max);
    this.#scores.u32(at + L.SCORE_FIRST_GROUP_AT, this.#groups.count);
    this.#scores.u32(at + L.SCORE_GROUP_COUNT_AT, score.groups.length);
    this.#scores.u32(at + L.SCORE_FIRST_SIGNAL_AT, this.#signals.count);
    this.#scores.u32(at + L.SCORE_SIGNAL_COUNT_AT, score.signals.length);
    for (const { cap, floor } of score.groups) {
      const group = this.#groups.add();
      this.#groups.i32(group + L.GROUP_CAP_AT, cap);
      this.#groups.i32(group + L.GROUP_FLOOR_AT, floor);
    }
    for (const signal of score.signals) this.#addSignal(signal);
  }

  #addSignal(signal: Program['scores'][number]['signals'][number]): void {
    const at = this.#signals.add();
    const when = signal.when ?? (signal.ramp ? ALWAYS : []);
    this.#signals.i32(at + L.SIGNAL_GROUP_AT, signal.group ?? -1);
    this.#signals.u32(at + L.SIGNAL_IS_SHADOW_AT, signal.shadow ? 1 : 0);
    this.#signals.u32(at + L.SIGNAL_FIRST_CUBE_AT, this.#addCubes(when));
    this.#signals.u32(at + L.SIGNAL_CUBE_COUNT_AT, when.length);
    if (signal.ramp) {
      const { x0, x1, y0, y1 } = signal.ramp;
      const operand = this.#operand(signal.ramp.operand);
      this.#signals.u32(at + L.SIGNAL_IS_RAMP_AT, 1);
      this.#signals.u32(at + L.SIGNAL_OPERAND_KIND_AT, operand.kind);
      this.#signals.u32(at + L.SIGNAL_OPERAND_AT, operand.index);
      this.#signals.u32(at + L.SIGNAL_PHASE_AT, operand.phase);
      this.#signals.f64(at + L.SIGNAL_X0_AT, x0);
      this.#signals.f64(at + L.SIGNAL_X1_AT, x1);
      this.#signals.i32(at + L.SIGNAL_Y0_AT, points(y0));
      this.#signals.i32(at + L.SIGNAL_Y1_AT, points(y1));
      return;
    }
    this.#signals.i32(at + L.SIGNAL_POINTS_AT, points(signal.points ?? 0));
  }

  #addSite(site: Site): void {
    const { canaryLadder, shadowLadder = [] } = site;
    const sites = this.#sites;
    const at = sites.add();
    sites.u32(at + L.SITE_SCORE_AT, site.score);
    sites.u32(at + L.SITE_ON_ERROR_AT, site.onError);
    sites.u32(at + L.SITE_FIRST_RUNG_AT, this.#addRungs(site.ladder));
    sites.u32(at + L.SITE_RUNG_COUNT_AT, site.ladder.length);
    sites.u32(at + L.SITE_FIRST_RULE_AT, this.#siteRules.count);
    sites.u32(at + L.SITE_RULE_COUNT_AT, site.rules.length);
    if (canaryLadder) {
      sites.u32(at + L.SITE_FIRST_CANARY_CUBE_AT, this.#addCubes(canaryLadder.when));
      sites.u32(at + L.SITE_CANARY_CUBE_COUNT_AT, canaryLadder.when.length);
      sites.u32(at + L.SITE_FIRST_CANARY_RUNG_AT, this.#addRungs(canaryLadder.ladder));
      sites.u32(at + L.SITE_CANARY_RUNG_COUNT_AT, canaryLadder.ladder.length);
    }
    sites.u32(at + L.SITE_FIRST_SHADOW_RUNG_AT, this.#addRungs(shadowLadder));
    sites.u32(at + L.SITE_SHADOW_RUNG_COUNT_AT, shadowLadder.length);
    sites.u32(at + L.SITE_HAS_SHADOW_AT, this.#hasShadow(site) ? 1 : 0);
    for (const atom of this.#atomsOf(site)) sites.bit(at + L.SITE_ATOMS_AT, this.#place(atom));
    for (const rule of [...site.rules].sort((a, b) => a - b))
      this.#siteRules.u32(this.#siteRules.add(), rule);
  }

  /** Adds a ladder's rungs and returns the first one's index. */
  #addRungs(ladder: readonly Rung[]): number {
    const first = this.#rungs.count;
    for (const { from, policy } of ladder) {
      const rung = this.#rungs.add();
      this.#rungs.i32(rung + L.RUNG_FROM_AT, from);
      this.#rungs.u32(rung + L.RUNG_POLICY_AT, policy);
    }
    return first;
  }

  #hasShadow(site: Site): boolean {
    const { rules, scores } = this.#program;
    return (
      site.shadowLadder !== undefined ||
      site.rules.some((index) => rules[index]?.shadow) ||
      (scores[site.score]?.signals ?? []).some((signal) => signal.shadow)
    );
  }

  /** Only these are evaluated when the site decides. */
  #atomsOf(site: Site): number[] {
    const { rules, scores } = this.#program;
    const conditions = [
      ...site.rules.map((index) => rules[index]?.when ?? []),
      ...(scores[site.score]?.signals ?? []).map((signal) => signal.when ?? []),
      site.canaryLadder?.when ?? [],
    ];
    return conditions.flat().flatMap((cube) => [...cube.yes, ...cube.no]);
  }

  #assemble(): Uint8Array {
    // In the order of the ABI's section numbers.
    const sections = [
      ...[this.#atoms.atoms, this.#atoms.values, this.#cubes, this.#rules, this.#signals],
      ...[this.#groups, this.#scores, this.#sites, this.#rungs, this.#siteRules, this.#atoms.operands],
    ];
    const offsets: number[] = [];
    let size = align8(L.IMAGE_HEADER_BYTES);
    for (const section of sections) {
      offsets.push(size);
      size = align8(size + section.content.length);
    }
    if (size > L.MAX_IMAGE_BYTES) {
      throw new RangeError(`the image would take ${size} bytes; the limit is ${L.MAX_IMAGE_BYTES}`);
    }
    const image = new Uint8Array(size);
    const view = new DataView(image.buffer);
    view.setUint32(L.IMAGE_HEADER_MAGIC_AT, L.MAGIC_IMAGE, true);
    view.setUint32(L.IMAGE_HEADER_SIZE_AT, size, true);
    view.setUint32(L.IMAGE_HEADER_ABI_AT, L.ABI_VERSION, true);
    image.set(tablesId(this.#program), L.IMAGE_HEADER_TABLES_ID_AT);
    for (const fact of this.#facts) {
      const word = L.IMAGE_HEADER_REQUIRED_FACTS_AT + (fact >> 5) * 4;
      view.setUint32(word, view.getUint32(word, true) | (1 << (fact & 31)), true);
    }
    for (let i = 0; i < SECTIONS; i++) {
      view.setUint32(L.IMAGE_HEADER_SECTIONS_AT + i * 8, offsets[i]!, true);
      view.setUint32(L.IMAGE_HEADER_SECTIONS_AT + i * 8 + 4, sections[i]!.count, true);
      image.set(sections[i]!.content, offsets[i]);
    }
    const digest = createHash('sha256').update(image.subarray(L.IMAGE_HEADER_ABI_AT)).digest();
    image.set(digest, L.IMAGE_HEADER_DIGEST_AT);
    return image;
  }
}

function align8(offset: number): number {
  return (offset + 7) & ~7;
}

function points(value: number): number {
  if (!Number.isInteger(value) || Math.abs(value) > 32_767) {
    throw new RangeError(`${value} is not a number of points (an integer from -32767 to 32767)`);
  }
  return value;
}
