/**
 * One task's worth of work in shared memory: what a task reads and where it writes, so that only the block's
 * number crosses to a thread. A block holds up to 32 hellos with what was found of them, or columns with their
 * scores. All of its integers are 32 bits, in the machine's own order.
 */
import { FINGERPRINT_BYTES, type HelloView, JA4_AT } from '../core/hello.ts';
import { MAX_INPUT_BYTES } from '../core/layout.gen.ts';

/** Hellos in one task: enough to make the way to the thread small beside the work. */
const BLOCK_HELLOS = 32;
/** Room for what the task reads; the longest input that the core takes fits. */
export const ARENA_BYTES: number = MAX_INPUT_BYTES;

/** Integers of an item and of a result, by their position. */
const ITEM = { hello: 0, helloEnd: 1, syn: 2, synEnd: 3, ipLength: 4, form: 5, proto: 6 } as const;
const RESULT = {
  ...{ status: 0, bytes: 1, maxVersion: 2, site: 3, tier: 4, policy: 5, rule: 6, score: 7, final: 8 },
  ...{ readable: 9, sniEnd: 10, sigEnd: 11 },
} as const;
/** Bytes of an item: its integers, then 16 of an address. Of a result: its integers, fingerprints, texts. */
const ITEM_IP_AT = 28;
const ITEM_BYTES = ITEM_IP_AT + 16;
const RESULT_HASHES_AT = 48;
const RESULT_TEXT_AT: number = RESULT_HASHES_AT + FINGERPRINT_BYTES;
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

/** What a task found of one hello. Texts are Latin-1 and empty where there is nothing. */
export interface BlockResult {
  readonly status: number;
  readonly bytes: number;
  readonly maxVersion: number;
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

export interface BlockAnswer extends BlockResult {
  /** Null like `ja4` when the hello could not be read. */
  readonly ja3: string | null;
  readonly ja4: string | null;
}

const NOTHING = new Uint8Array(0);

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
    const { hello, syn, ipLength } = item;
    if (this.#count === BLOCK_HELLOS || this.#used + hello.length + syn.length > ARENA_BYTES) return false;
    const at = this.#count++ * ITEM_BYTES;
    const integers = this.#integers;
    const first = at / 4;
    integers[first + ITEM.hello] = this.#used;
    integers[first + ITEM.helloEnd] = this.#keep(hello);
    integers[first + ITEM.syn] = this.#used;
    integers[first + ITEM.synEnd] = this.#keep(syn);
    integers[first + ITEM.ipLength] = ipLength;
    integers[first + ITEM.form] = item.form;
    integers[first + ITEM.proto] = item.proto;
    if (ipLength > 0) this.#bytes.set(item.ip, at + ITEM_IP_AT);
    return true;
  }

  #keep(bytes: Uint8Array): number {
    this.arena.set(bytes, this.#used);
    this.#used += bytes.length;
    return this.#used;
  }

  #kept(start: number, end: number): Uint8Array {
    return start === end ? NOTHING : this.arena.subarray(start, end);
  }

  item(index: number): BlockItem {
    const at = index * ITEM_BYTES;
    const integers = this.#integers;
    const first = at / 4;
    const ipLength = integers[first + ITEM.ipLength]!;
    return {
      hello: this.#kept(integers[first + ITEM.hello]!, integers[first + ITEM.helloEnd]!),
      syn: this.#kept(integers[first + ITEM.syn]!, integers[first + ITEM.synEnd]!),
      ip: ipLength === 0 ? NOTHING : this.#bytes.subarray(at + ITEM_IP_AT, at + ITEM_BYTES),
      ipLength,
      form: integers[first + ITEM.form]!,
      proto: integers[first + ITEM.proto]!,
    };
  }

  /** `hello` has the fingerprints, null when it could not be read. */
  setResult(index: number, result: BlockResult, hello: HelloView | null): void {
    const at = RESULTS_AT + index * RESULT_BYTES;
    const integers = this.#integers;
    const first = at / 4;
    integers[first + RESULT.status] = result.status;
    integers[first + RESULT.bytes] = result.bytes;
    integers[first + RESULT.maxVersion] = result.maxVersion;
    integers[first + RESULT.site] = result.site;
    integers[first + RESULT.tier] = result.tier;
    integers[first + RESULT.policy] = result.policy;
    integers[first + RESULT.rule] = result.rule;
    integers[first + RESULT.score] = result.score;
    integers[first + RESULT.final] = Number(result.final);
    integers[first + RESULT.readable] = Number(hello !== null);
    hello?.copyFingerprints(this.#bytes, at + RESULT_HASHES_AT);
    const sniEnd = RESULT_TEXT_AT + this.#write(result.sni, at + RESULT_TEXT_AT);
    integers[first + RESULT.sniEnd] = sniEnd;
    integers[first + RESULT.sigEnd] = sniEnd + this.#write(result.sig, at + sniEnd);
  }

  /** An SNI has at most 255 characters and a signature 512, which a result has room for. */
  #write(text: string, at: number): number {
    return text === '' ? 0 : this.#bytes.write(text, at, 'latin1');
  }

  result(index: number): BlockAnswer {
    const at = RESULTS_AT + index * RESULT_BYTES;
    const integers = this.#integers;
    const first = at / 4;
    const text = (start: number, end: number): string =>
      start === end ? '' : this.#bytes.toString('latin1', at + start, at + end);
    const readable = integers[first + RESULT.readable] === 1;
    const ja4At = RESULT_HASHES_AT + JA4_AT;
    const sniEnd = integers[first + RESULT.sniEnd]!;
    return {
      status: integers[first + RESULT.status]!,
      bytes: integers[first + RESULT.bytes]!,
      maxVersion: integers[first + RESULT.maxVersion]!,
      site: integers[first + RESULT.site]!,
      tier: integers[first + RESULT.tier]!,
      policy: integers[first + RESULT.policy]!,
      rule: integers[first + RESULT.rule]!,
      score: integers[first + RESULT.score]!,
      final: integers[first + RESULT.final] === 1,
      ja3: readable ? text(RESULT_HASHES_AT, ja4At) : null,
      ja4: readable ? text(ja4At, RESULT_HASHES_AT + FINGERPRINT_BYTES) : null,
      sni: text(RESULT_TEXT_AT, sniEnd),
      sig: text(sniEnd, integers[first + RESULT.sigEnd]!),
    };
  }
}
