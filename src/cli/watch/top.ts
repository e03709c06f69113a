/** The most frequent of many texts, in bounded memory (Metwally, Agrawal and El Abbadi, "Space-Saving", 2005). */
export class Top {
  readonly #capacity: number;
  readonly #counts = new Map<string, number>();

  /** @param capacity Texts that are counted at once: those more frequent than one in so many are never missed. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(text: string): void {
    const known = this.#counts.get(text);
    if (known === undefined && this.#counts.size >= this.#capacity) {
      const [rarest, count] = this.#rarest();
      this.#counts.delete(rarest);
      this.#counts.set(text, count + 1);
      return;
    }
    this.#counts.set(text, (known ?? 0) + 1);
  }

  #rarest(): readonly [string, number] {
    let rarest: readonly [string, number] = ['', Number.POSITIVE_INFINITY];
    for (const entry of this.#counts) if (entry[1] < rarest[1]) rarest = entry;
    return rarest;
  }

  /** The most frequent first. */
  first(count: number): readonly (readonly [string, number])[] {
    return [...this.#counts].sort((a, b) => b[1] - a[1]).slice(0, count);
  }
}
