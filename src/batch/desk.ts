/** Does the work of blocks with a decision core of its own; the same in a batch worker and without one. */
import { Core, FORMS, PROTOS, TIERS } from '../core/core.ts';
import { PHASE_HELLO } from '../core/layout.gen.ts';
import { isViolation, statusName } from '../core/status.ts';
import { FACT } from '../orchestrator/facts.ts';
import { SiteTable } from '../orchestrator/sites.ts';
import { Block, type BlockItem, type BlockResult } from './block.ts';
import type { BatchPolicy, BatchSetup } from './setup.ts';

/** Columns to score, all in a block's arena. */
export interface ScoreTask {
  readonly block: number;
  /** Index in `Program.scores`. */
  readonly score: number;
  readonly rows: number;
  /** Bytes of the arena that hold columns; they begin with the place of each signal's column. */
  readonly bytes: number;
}

const NO_DECISION = { site: -1, tier: -1, policy: -1, rule: -1, score: 0, final: false } as const;

export class BatchDesk {
  readonly #core: Core;
  readonly #memory: SharedArrayBuffer;
  readonly #policy: BatchPolicy | null;
  readonly #sites: SiteTable;
  readonly #blocks = new Map<number, Block>();

  /** @throws Error when the policy is not one of this version's. */
  constructor({ module, memory, maxHelloBytes, policy }: BatchSetup) {
    this.#core = new Core(module);
    this.#core.maxHelloBytes = maxHelloBytes;
    this.#memory = memory;
    this.#policy = policy;
    this.#sites = new SiteTable(policy?.program.sites ?? []);
    if (policy === null) return;
    for (const status of [this.#core.loadTables(policy.tables), this.#core.loadImage(policy.image)]) {
      if (status < 0) throw new Error(`the policy was refused: ${statusName(status)}`);
    }
  }

  #block(index: number): Block {
    const known = this.#blocks.get(index);
    if (known !== undefined) return known;
    const block = new Block(this.#memory, index);
    this.#blocks.set(index, block);
    return block;
  }

  /** Fills in the results of the first `count` hellos of a block. */
  analyze(index: number, count: number): void {
    const block = this.#block(index);
    const { hello } = this.#core;
    for (let i = 0; i < count; i++) {
      const result = this.#look(block.item(i));
      const readable = result.status === 0 || isViolation(result.status);
      block.setResult(i, result, readable ? hello : null);
    }
  }

  #look(item: BlockItem): BlockResult {
    const core = this.#core;
    core.begin();
    if (item.ipLength > 0) core.setIp(FACT.ip, item.ip, item.ipLength === 4);
    const sig = item.syn.length > 0 && core.parseSyn(item.syn) === 0 ? core.synText : '';
    const form = FORMS[item.form]!;
    const status = core.parse(item.hello, 0, item.hello.length, form, PROTOS[item.proto]!);
    if (status !== 0 && !isViolation(status)) {
      return { status, bytes: 0, maxVersion: 0, sni: '', sig, ...NO_DECISION };
    }
    const { bytes, maxVersion, sni } = core.hello;
    const decision = status === 0 ? this.#decide(sni) : NO_DECISION;
    return { status, bytes, maxVersion, sni: sni ?? '', sig, ...decision };
  }

  #decide(sni: string | null): Pick<BlockResult, keyof typeof NO_DECISION> {
    const policy = this.#policy;
    if (policy === null) return NO_DECISION;
    const { sites } = policy.program;
    const listener = (sites[policy.site] ?? sites[0])?.listeners[0] ?? '';
    const site = policy.site === -1 ? this.#sites.find(listener, sni) : policy.site;
    if (site === -1) return NO_DECISION;
    this.#core.setText(FACT.listener, listener);
    const { tier, policy: chosen, rule, score, final } = this.#core.decide(site, PHASE_HELLO);
    return { site, tier: TIERS.indexOf(tier), policy: chosen, rule, score, final };
  }

  /** Scores a block's columns and puts the scores, a 32-bit integer a row, where the arena begins. */
  score({ block: index, score, rows, bytes }: ScoreTask): void {
    const { arena } = this.#block(index);
    const core = this.#core;
    core.batch.set(arena.subarray(0, bytes));
    const status = core.scoreBatch(score, rows, 0, bytes);
    if (status !== 0) throw new Error(`the columns were refused: ${statusName(status)}`);
    arena.set(core.batch.subarray(bytes, bytes + rows * 4));
  }
}
