/** A view of the last parsed ClientHello: numbers are read from the core's memory, texts made when asked for. */
import * as L from './layout.gen.ts';
import type { CoreExports } from './module.ts';

/** Valid from the `parse` that filled it to the next one. */
export class HelloView {
  readonly #exports: CoreExports;
  readonly #address: number;
  readonly #message: number;
  readonly #text: number;

  constructor(exports: CoreExports) {
    this.#exports = exports;
    this.#address = exports.sp_region(L.REGION_HELLO);
    this.#message = exports.sp_region(L.REGION_MESSAGE);
    this.#text = exports.sp_region(L.REGION_TEXT);
  }

  #number(at: number): number {
    return new DataView(this.#exports.memory.buffer).getUint32(this.#address + at, true);
  }

  #bytes(address: number, length: number): Buffer {
    return Buffer.from(this.#exports.memory.buffer, address, length);
  }

  #written(kind: number): string {
    return this.#bytes(this.#text, this.#exports.sp_hello_text(kind)).toString('latin1');
  }

  /** Size of the handshake message with its header. */
  get bytes(): number {
    return this.#number(L.HELLO_MESSAGE_LENGTH_AT);
  }

  /** Bytes of input that the hello took, record headers included. */
  get consumed(): number {
    return this.#number(L.HELLO_CONSUMED_AT);
  }

  /** Records the hello came in; 0 for a bare message. */
  get records(): number {
    return this.#number(L.HELLO_RECORDS_AT);
  }

  get legacyVersion(): number {
    return this.#number(L.HELLO_LEGACY_VERSION_AT);
  }

  /** The highest version offered, as on the wire. */
  get maxVersion(): number {
    return this.#number(L.HELLO_MAX_VERSION_AT);
  }

  get sessionIdLength(): number {
    return this.#number(L.HELLO_SESSION_ID_LENGTH_AT);
  }

  /** Without GREASE. */
  get cipherCount(): number {
    return this.#number(L.HELLO_CIPHER_COUNT_AT);
  }

  /** Without GREASE. */
  get extensionCount(): number {
    return this.#number(L.HELLO_EXTENSION_COUNT_AT);
  }

  #flag(flag: number): boolean {
    return (this.#number(L.HELLO_FLAGS_AT) & flag) !== 0;
  }

  get grease(): boolean {
    return this.#flag(L.HELLO_FLAG_GREASE);
  }

  get ech(): boolean {
    return this.#flag(L.HELLO_FLAG_ECH);
  }

  get resumption(): boolean {
    return this.#flag(L.HELLO_FLAG_RESUMPTION);
  }

  get earlyData(): boolean {
    return this.#flag(L.HELLO_FLAG_EARLY_DATA);
  }

  /** Does the client offer a post-quantum group? */
  get pq(): boolean {
    return this.#flag(L.HELLO_FLAG_PQ);
  }

  /** Host name in lower case without a final dot; null when the client sent none. */
  get sni(): string | null {
    const length = this.#number(L.HELLO_SNI_LENGTH_AT);
    if (length === 0) return null;
    const raw = this.#bytes(this.#message + this.#number(L.HELLO_SNI_OFFSET_AT), length);
    const name = raw.toString('latin1').toLowerCase();
    return name.length > 1 && name.endsWith('.') ? name.slice(0, -1) : name;
  }

  /** Protocol names in the client's order; a byte that is not ASCII shows as one Latin-1 character. */
  get alpn(): readonly string[] {
    const list = this.#bytes(
      this.#message + this.#number(L.HELLO_ALPN_OFFSET_AT),
      this.#number(L.HELLO_ALPN_LENGTH_AT),
    );
    const names: string[] = [];
    for (let at = 0; at < list.length; at += 1 + list[at]!) {
      names.push(list.toString('latin1', at + 1, at + 1 + list[at]!));
    }
    return names;
  }

  get ja3(): string {
    return this.#written(L.TEXT_JA3);
  }

  get ja3Hash(): string {
    return this.#bytes(this.#address + L.HELLO_JA3_HASH_AT, 32).toString('latin1');
  }

  /** JA3 with its extensions sorted, which survives clients that shuffle them. */
  get ja3n(): string {
    return this.#written(L.TEXT_JA3N);
  }

  get ja3nHash(): string {
    this.#exports.sp_hello_text(L.TEXT_JA3N);
    return this.#bytes(this.#address + L.HELLO_JA3N_HASH_AT, 32).toString('latin1');
  }

  get ja4(): string {
    return this.#bytes(this.#address + L.HELLO_JA4_AT, 36).toString('latin1');
  }

  get ja4r(): string {
    return this.#written(L.TEXT_JA4_R);
  }

  get ja4o(): string {
    return this.#written(L.TEXT_JA4_O);
  }

  get ja4ro(): string {
    return this.#written(L.TEXT_JA4_RO);
  }
}
