/** Many hellos or many scores at once, over threads or on this one. */
import { availableParallelism } from 'node:os';
import type { Piscina } from 'piscina';
import { FORMS, type HelloForm, type HelloProto, PROTOS, TIERS } from '../core/core.ts';
import { MAX_BATCH_BYTES, MAX_HELLO_BYTES_DEFAULT } from '../core/layout.gen.ts';
import { loadCoreModule } from '../core/module.ts';
import { statusName } from '../core/status.ts';
import type { Bundle } from '../orchestrator/bundle.ts';
import { parseIp } from '../orchestrator/ip.ts';
import { actionOf } from '../orchestrator/verdict.ts';
import type { Verdict as Action, Program, Tier } from '../pdl/ir.ts';
import { ARENA_BYTES, BLOCK_BYTES, Block, type BlockAnswer, type BlockItem } from './block.ts';
import { type Columns, cutColumns, orderColumns } from './columns.ts';
import { BatchDesk, type ScoreTask } from './desk.ts';
import type { BatchPolicy, BatchSetup } from './setup.ts';
import type { AnalyzeTask } from './task.ts';
import { startBatchWorkers } from './workers.ts';

export interface BatchSettings {
  /** Worker threads; default one per core. 0 does the work on the calling thread, with the same answers. */
  readonly threads?: number;
  /** The policy that decides about hellos and has the scores; without it hellos are only analysed. */
  readonly bundle?: Bundle;
  /** The site that decides; default the one that claims the hello's server name. */
  readonly site?: string;
  /** Largest handshake message accepted, 64 to 131,072 bytes; default 16,384. */
  readonly maxHelloBytes?: number;
}

/** A client to look at. At most the first 262,144 bytes of a hello count, and 512 of a SYN. */
export interface BatchHello {
  readonly hello: Uint8Array;
  /** `records` (default) as on the wire, `handshake` for the bare message. */
  readonly form?: HelloForm;
  readonly proto?: HelloProto;
  /** IPv4 or IPv6 literal; unknown without it. */
  readonly ip?: string;
  /** The IP and TCP headers of the SYN. */
  readonly syn?: Uint8Array;
}

/** What a policy decides on what is given; every other fact is unknown, and limits are left out of account. */
export interface BatchDecision {
  readonly site: string;
  readonly action: Action['action'];
  readonly tier: Tier | 'ladder';
  readonly policy: string | null;
  readonly rule: string | null;
  /** 0 (good) to 100 (bad), or whatever the policy's clamp says. */
  readonly score: number;
  /** False while a fact of a later phase could still change the action. */
  readonly final: boolean;
}

export interface HelloAnalysis {
  /** `complete`, `need_more`, or what is wrong with the hello. */
  readonly status: string;
  /** MD5 of the JA3 text; null like `ja4` when the hello could not be read. */
  readonly ja3: string | null;
  readonly ja4: string | null;
  readonly sni: string | null;
  /** Highest version offered, as on the wire; 0 when the hello could not be read. */
  readonly maxVersion: number;
  /** Size of the handshake message with its header. */
  readonly bytes: number;
  /** p0f's raw signature of the SYN. */
  readonly syn: string | null;
  /** Null without a policy, without a complete hello, and when no site claims the server name. */
  readonly decision: BatchDecision | null;
}

const BLOCKS_PER_THREAD = 2;
const MAX_THREADS = 256;
const MAX_SYN_BYTES = 512;
const NOTHING = new Uint8Array(0);

/** Does batches until it is closed; calls may overlap. A call whose worker ends is rejected; the pool goes on. */
export class BatchPool {
  readonly #policy: BatchPolicy | null;
  readonly #workers: Piscina | null;
  /** Does the work itself when there are no workers. */
  readonly #desk: BatchDesk | null;
  readonly #blocks: readonly Block[];
  readonly #free: number[];
  readonly #waiting: ((block: number) => void)[] = [];
  #closed = false;

  /** Opened with `openBatchPool`. */
  constructor(settings: BatchSettings) {
    const { threads = availableParallelism(), maxHelloBytes = MAX_HELLO_BYTES_DEFAULT } = settings;
    if (!Number.isInteger(threads) || threads < 0 || threads > MAX_THREADS) {
      throw new RangeError(`threads must be an integer from 0 to ${MAX_THREADS}, not ${threads}`);
    }
    this.#policy = choosePolicy(settings);
    const count = Math.max(1, threads * BLOCKS_PER_THREAD);
    const memory = new SharedArrayBuffer(count * BLOCK_BYTES);
    const setup: BatchSetup = { module: loadCoreModule(), memory, maxHelloBytes, policy: this.#policy };
    // Made in either case: a setup that no desk can work with is an error here, not in a thread.
    const desk = new BatchDesk(setup);
    this.#desk = threads === 0 ? desk : null;
    this.#workers = threads === 0 ? null : startBatchWorkers(threads, setup);
    this.#blocks = Array.from({ length: count }, (_, index) => new Block(memory, index));
    this.#free = this.#blocks.map((_, index) => index);
  }

  /**
   * Parses hellos, computes their fingerprints and, with a policy, decides about them: an answer for each, in order.
   * @throws TypeError for an element that is no hello; RangeError for one with an address that is none.
   */
  async analyzeBatch(hellos: readonly (Uint8Array | BatchHello)[]): Promise<HelloAnalysis[]> {
    const items = hellos.map(toItem);
    const answers = new Array<HelloAnalysis>(items.length);
    let next = 0;
    await this.#eachBlock(
      (block) => {
        const first = next;
        block.clear();
        while (next < items.length && block.add(items[next]!)) next++;
        return first;
      },
      () => next < items.length,
      async (index, first) => {
        const block = this.#blocks[index]!;
        const { count } = block;
        await this.#analyze({ block: index, count });
        for (let i = 0; i < count; i++) answers[first + i] = this.#answer(block.result(i));
      },
    );
    return answers;
  }

  /**
   * Scores rows given as columns, by the signals of a score of the policy (default that of its first site): for a
   * ramp a Float64Array with its operand's value in each row (NaN: unknown), for any other signal a Uint8Array
   * that is not 0 where it holds. A signal without a column adds nothing.
   * @throws TypeError for a column of the wrong kind; RangeError for unknown names and columns that differ in length.
   */
  async scoreBatch(columns: Columns, score?: string): Promise<Int32Array> {
    if (this.#policy === null) throw new TypeError('scoreBatch needs a policy: pass one to the pool');
    const ordered = orderColumns(this.#policy.program, columns, score);
    const scores = new Int32Array(ordered.rows);
    const step = ordered.rowsIn(Math.min(ARENA_BYTES, MAX_BATCH_BYTES));
    let next = 0;
    await this.#eachBlock(
      () => {
        const first = next;
        next += step;
        return first;
      },
      () => next < ordered.rows,
      async (block, first) => {
        const rows = Math.min(step, ordered.rows - first);
        const { arena } = this.#blocks[block]!;
        const bytes = cutColumns(ordered, first, rows, arena);
        await this.#score({ block, score: ordered.score, rows, bytes });
        scores.set(new Int32Array(arena.buffer, arena.byteOffset, rows), first);
      },
    );
    return scores;
  }

  /** Lets the threads go; calls under way and later ones are rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#workers?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Takes free blocks while there is `more` to `fill` them with; each is given back when its `work` is done. */
  async #eachBlock<T>(
    fill: (block: Block) => T,
    more: () => boolean,
    work: (block: number, filled: T) => Promise<void>,
  ): Promise<void> {
    const running: Promise<void>[] = [];
    const failures: unknown[] = [];
    while (more() && failures.length === 0) {
      const index = this.#free.pop() ?? (await new Promise<number>((resolve) => this.#waiting.push(resolve)));
      const done = work(index, fill(this.#blocks[index]!));
      running.push(
        done.catch((error: unknown) => void failures.push(error)).finally(() => this.#release(index)),
      );
    }
    await Promise.all(running);
    if (failures.length > 0) throw failures[0];
  }

  #release(block: number): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(block);
    else next(block);
  }

  async #analyze(task: AnalyzeTask): Promise<void> {
    const workers = this.#open();
    if (workers === null) this.#desk!.analyze(task.block, task.count);
    else await this.#run(workers, task, 'analyze');
  }

  async #score(task: ScoreTask): Promise<void> {
    const workers = this.#open();
    if (workers === null) this.#desk!.score(task);
    else await this.#run(workers, task, 'score');
  }

  /** A worker that ends takes its block's work with it, and another takes its place. */
  async #run(workers: Piscina, task: AnalyzeTask | ScoreTask, name: string): Promise<void> {
    try {
      await workers.run(task, { name });
    } catch (cause) {
      if (this.#closed) throw cause;
      const { message } = cause as Error;
      throw new Error(`a batch worker ended in the middle of this batch (${message}): call again`, { cause });
    }
  }

  #open(): Piscina | null {
    if (this.#closed) throw new Error('the batch pool is closed');
    return this.#workers;
  }

  #answer(found: BlockAnswer): HelloAnalysis {
    return {
      status: statusName(found.status),
      ja3: found.ja3,
      ja4: found.ja4,
      sni: found.sni === '' ? null : found.sni,
      maxVersion: found.maxVersion,
      bytes: found.bytes,
      syn: found.sig === '' ? null : found.sig,
      decision: found.site === -1 ? null : describe(this.#policy!.program, found),
    };
  }
}

/** @throws RangeError for a setting out of range, Error when the core refuses the policy. */
export function openBatchPool(settings: BatchSettings): BatchPool {
  return new BatchPool(settings);
}

function choosePolicy({ bundle, site }: BatchSettings): BatchPolicy | null {
  if (bundle === undefined) {
    if (site !== undefined) throw new RangeError('a site needs a policy');
    return null;
  }
  const { program, image } = bundle;
  const index = site === undefined ? -1 : program.sites.findIndex(({ name }) => name === site);
  if (site !== undefined && index === -1) {
    const names = program.sites.map(({ name }) => name).join(', ');
    throw new RangeError(`there is no site called ${site}; there are ${names}`);
  }
  // Shared, so that large feeds are not copied for each thread; secrets stay here.
  const tables = new Uint8Array(new SharedArrayBuffer(bundle.tables.length));
  tables.set(bundle.tables);
  return { program, image, tables, site: index };
}

function toItem(entry: Uint8Array | BatchHello, index: number): BlockItem {
  const given: Partial<BatchHello> = entry instanceof Uint8Array ? { hello: entry } : { ...entry };
  const { hello, form = 'records', proto = 'tls', ip, syn = NOTHING } = given;
  if (!(hello instanceof Uint8Array) || !(syn instanceof Uint8Array)) {
    throw new TypeError(`hellos[${index}] must be a Uint8Array, or an object with one in \`hello\``);
  }
  const numbers = { form: FORMS.indexOf(form), proto: PROTOS.indexOf(proto) };
  if (numbers.form === -1 || numbers.proto === -1) {
    throw new TypeError(`hellos[${index}] has the form ${form} and the proto ${proto}: one of them is none`);
  }
  const address = ip === undefined ? null : parseIp(ip);
  if (ip !== undefined && address === null) {
    throw new RangeError(`hellos[${index}].ip is not an address: ${JSON.stringify(ip)}`);
  }
  return {
    hello: hello.subarray(0, ARENA_BYTES - MAX_SYN_BYTES),
    syn: syn.subarray(0, MAX_SYN_BYTES),
    ip: address?.ip ?? NOTHING,
    ipLength: address === null ? 0 : address.isV4 ? 4 : 16,
    ...numbers,
  };
}

function describe(program: Program, result: BlockAnswer): BatchDecision {
  return {
    site: program.sites[result.site]!.name,
    action: actionOf(program, result.rule, result.policy).action,
    tier: TIERS[result.tier]!,
    policy: program.policies[result.policy]?.name ?? null,
    rule: program.rules[result.rule]?.name ?? null,
    score: result.score,
    final: result.final,
  };
}
