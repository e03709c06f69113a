/** Lists of texts that may be a million long: as so many strings they would be as many objects to keep and to clear away. */
import type { PrefixReader } from '../pdl/ip.ts';
import type { TextList } from '../pdl/text-list.ts';

/** Texts one behind the other in one piece of memory; each is made a string when it is asked for. */
export class PackedTexts implements TextList {
  length = 0;
  #bytes: Buffer;
  /** Where each text ends. */
  #ends: Uint32Array<ArrayBufferLike>;

  /** Room for so much before the memory is made anew, twice as large. */
  constructor(bytes: number, texts: number) {
    this.#bytes = Buffer.alloc(Math.max(bytes, 64));
    this.#ends = new Uint32Array(Math.max(texts, 16));
  }

  add(text: string): void {
    const start = this.#start(this.length);
    const most = text.length * 3;
    this.#makeRoom(start + most);
    this.#push(start + this.#bytes.write(text, start, most, 'utf8'));
  }

  /** Adds the text of the bytes from `from` to `to`, which is not among them. */
  addBytes(bytes: Uint8Array, from: number, to: number): void {
    const start = this.#start(this.length);
    this.#makeRoom(start + to - from);
    for (let i = from; i < to; i++) this.#bytes[start + i - from] = bytes[i]!;
    this.#push(start + to - from);
  }

  at(index: number): string | undefined {
    if (!(index >= 0 && index < this.length)) return undefined;
    return this.#bytes.toString('utf8', this.#start(index), this.#ends[index]);
  }

  *[Symbol.iterator](): Generator<string> {
    for (let index = 0; index < this.length; index++) yield this.at(index)!;
  }

  /** Reads a text, which there must be, as an address or a prefix; false when it is neither. */
  readPrefix(index: number, reader: PrefixReader): boolean {
    return reader.read(this.#bytes, this.#start(index), this.#ends[index]!);
  }

  /** The texts whose indexes are to be kept. */
  filter(keep: (index: number) => boolean): PackedTexts {
    const kept = new PackedTexts(this.#start(this.length), this.length);
    for (let index = 0; index < this.length; index++) {
      if (keep(index)) kept.addBytes(this.#bytes, this.#start(index), this.#ends[index]!);
    }
    return kept;
  }

  #start(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]!;
  }

  #makeRoom(end: number): void {
    if (end <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(this.#bytes.length * 2, end));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }

  #push(end: number): void {
    if (this.length === this.#ends.length) {
      const larger = new Uint32Array(this.length * 2);
      larger.set(this.#ends);
      this.#ends = larger;
    }
    this.#ends[this.length++] = end;
  }
}

/** Reads a text of a list, which there must be, as an address or a prefix; false when it is neither. */
export function readPrefixOf(list: TextList, index: number, reader: PrefixReader): boolean {
  return list instanceof PackedTexts ? list.readPrefix(index, reader) : reader.readText(list.at(index)!);
}

/** The texts whose indexes are to be kept. */
export function filterTexts(list: TextList, keep: (index: number) => boolean): TextList {
  return list instanceof PackedTexts ? list.filter(keep) : [...list].filter((_, index) => keep(index));
}
