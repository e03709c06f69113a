/**
 * One task's worth of work in shared memory: what a task reads and where it writes, so that only the block's
 * number crosses to a thread. A block holds up to 32 hellos with what was found of them, or columns with their
 * scores. All of its integers are 32 bits, in the machine's own order.
 */
import { MAX_INPUT_BYTES } from '../core/layout.gen.ts';

/** Hellos in one task: enough to make the way to the thread small beside the work. */
export const BLOCK_HELLOS = 32;
/** Room for what the task reads; the longest input that the core takes fits. */
export const ARENA_BYTES: number = MAX_INPUT_BYTES;

/** Integers of an item and of a result, by their position. */
const ITEM = { hello: 0, helloEnd: 1, syn: 2, synEnd: 3, ipLength: 4, form: 5, proto: 6 } as const;
const RESULT = {
  ...{ status: 0, bytes: 1, maxVersion: 2, site: 3, tier: 4, policy: 5, rule: 6, score: 7, final: 8 },
  ...{ ja3End: 9, ja4End: 10, sniEnd: 11, sigEnd: 12 },
} as const;
/** Bytes of an item: its integers, then 16 of an address. Of a result: its integers, then its texts. */
const ITEM_IP_AT = 28;
const ITEM_BYTES = ITEM_IP_AT + 16;
const RESULT_TEXT_AT = 52;
const RESULT_BYTES = 1024;

const RESULTS_AT = BLOCK_HELLOS * ITEM_BYTES;
const ARENA_AT = RESULTS_AT + BLOCK_HELLOS * RESULT_BYTES;
/** Bytes of one block; blocks follow each other in one memory. */
export const BLOCK_BYTES: number = ARENA_AT + ARENA_BYTES;

/** What a task reads of one hello. The arrays that `item` gives are views of the block. */
export interface BlockItem {
  readonly hello: Uint8Array;
  readonly syn: Uint8Array;
  /** 16 bytes, IPv4 in its v4-mapped form. */
  readonly ip: Uint8Array;
  /** 4 or 16; 0 when the address is not known. */
  readonly ipLength: number;
  readonly form: number;
  readonly proto: number;
}

/** What a task found of one hello. Texts are Latin-1, empty where there is nothing, and at most 972 bytes together. */
export interface BlockResult {
  readonly status: number;
  readonly bytes: number;
  readonly maxVersion: number;
  readonly ja3: string;
  readonly ja4: string;
  readonly sni: string;
  readonly sig: string;
  /** Indexes of the program; -1 where there is none. */
  readonly site: number;
  readonly tier: number;
  readonly policy: number;
  readonly rule: number;
  readonly score: number;
  readonly final: boolean;
}

export class Block {
  /** Bytes of hellos, or columns and scores. */
  readonly arena: Uint8Array;
  readonly #bytes: Buffer;
  readonly #integers: Int32Array;
  #used = 0;
  #count = 0;

  constructor(memory: SharedArrayBuffer, index: number) {
    const at = index * BLOCK_BYTES;
    this.#bytes = Buffer.from(memory, at, BLOCK_BYTES);
    this.#integers = new Int32Array(memory, at, ARENA_AT / 4);
    this.arena = new Uint8Array(memory, at + ARENA_AT, ARENA_BYTES);
  }

  /** Hellos added since `clear`. */
  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#used = 0;
    this.#count = 0;
  }

  /** False when there is no room left. */
  add(item: BlockItem): boolean {
    const { hello, syn } = item;
    if (this.#count === BLOCK_HELLOS || this.#used + hello.length + syn.length > ARENA_BYTES) return false;
    const at = this.#count++ * ITEM_BYTES;
    const integers = this.#integers.subarray(at / 4);
    integers[ITEM.hello] = this.#used;
    integers[ITEM.helloEnd] = this.#keep(hello);
    integers[ITEM.syn] = this.#used;
    integers[ITEM.synEnd] = this.#keep(syn);
    integers[ITEM.ipLength] = item.ipLength;
    integers[ITEM.form] = item.form;
    integers[ITEM.proto] = item.proto;
    if (item.ipLength > 0) this.#bytes.set(item.ip, at + ITEM_IP_AT);
    return true;
  }

  #keep(bytes: Uint8Array): number {
    this.arena.set(bytes, this.#used);
    this.#used += bytes.length;
    return this.#used;
  }

  item(index: number): BlockItem {
    const at = index * ITEM_BYTES;
    const integers = this.#integers.subarray(at / 4);
    return {
      hello: this.arena.subarray(integers[ITEM.hello], integers[ITEM.helloEnd]),
      syn: this.arena.subarray(integers[ITEM.syn], integers[ITEM.synEnd]),
      ip: this.#bytes.subarray(at + ITEM_IP_AT, at + ITEM_BYTES),
      ipLength: integers[ITEM.ipLength]!,
      form: integers[ITEM.form]!,
      proto: integers[ITEM.proto]!,
    };
  }

  setResult(index: number, result: BlockResult): void {
    const at = RESULTS_AT + index * RESULT_BYTES;
    const integers = this.#integers.subarray(at / 4);
    integers[RESULT.status] = result.status;
    integers[RESULT.bytes] = result.bytes;
    integers[RESULT.maxVersion] = result.maxVersion;
    integers[RESULT.site] = result.site;
    integers[RESULT.tier] = result.tier;
    integers[RESULT.policy] = result.policy;
    integers[RESULT.rule] = result.rule;
    integers[RESULT.score] = result.score;
    integers[RESULT.final] = Number(result.final);
    let end: number = RESULT_TEXT_AT;
    const write = (text: string): number => {
      end += this.#bytes.write(text, at + end, RESULT_BYTES - end, 'latin1');
      return end;
    };
    integers[RESULT.ja3End] = write(result.ja3);
    integers[RESULT.ja4End] = write(result.ja4);
    integers[RESULT.sniEnd] = write(result.sni);
    integers[RESULT.sigEnd] = write(result.sig);
  }

  result(index: number): BlockResult {
    const at = RESULTS_AT + index * RESULT_BYTES;
    const integers = this.#integers.subarray(at / 4);
    let start: number = RESULT_TEXT_AT;
    const read = (end: number): string => {
      const text = this.#bytes.toString('latin1', at + start, at + end);
      start = end;
      return text;
    };
    return {
      status: integers[RESULT.status]!,
      bytes: integers[RESULT.bytes]!,
      maxVersion: integers[RESULT.maxVersion]!,
      site: integers[RESULT.site]!,
      tier: integers[RESULT.tier]!,
      policy: integers[RESULT.policy]!,
      rule: integers[RESULT.rule]!,
      score: integers[RESULT.score]!,
      final: integers[RESULT.final] === 1,
      ja3: read(integers[RESULT.ja3End]!),
      ja4: read(integers[RESULT.ja4End]!),
      sni: read(integers[RESULT.sniEnd]!),
      sig: read(integers[RESULT.sigEnd]!),
    };
  }
}
