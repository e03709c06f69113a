/** Values by server name, as sites and listeners claim them: the exact name first, then the longest wildcard. */
export class NameMap<T> {
  readonly #exact = new Map<string, T>();
  /** `.example.com` for `*.example.com`. */
  readonly #wildcard = new Map<string, T>();

  /** `name` in lower case, without a final dot; `*.example.com` stands for every name below example.com. */
  set(name: string, value: T): void {
    if (name.startsWith('*.')) this.#wildcard.set(name.slice(1), value);
    else this.#exact.set(name, value);
  }

  find(name: string): T | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined || this.#wildcard.size === 0) return exact;
    for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
      const wildcard = this.#wildcard.get(name.slice(dot));
      if (wildcard !== undefined) return wildcard;
    }
    return undefined;
  }
}
