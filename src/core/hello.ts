/** A view of the last parsed ClientHello: numbers are read from the core's memory, texts made when asked for. */
import * as L from './layout.gen.ts';
import type { CoreMemory } from './memory.ts';
import type { CoreExports } from './module.ts';
import { SeenTexts } from './seen-texts.ts';

/** Where `copyFingerprints` puts the JA4, and how many bytes it copies. */
export const JA4_AT = 32;
export const FINGERPRINT_BYTES: number = JA4_AT + 36;

/** Different host names and fingerprints that are kept as texts, each as a power of two. */
const TEXT_BITS = 9;

/** Type and length of a TLS handshake message. */
const MESSAGE_HEADER = 4;

/** Valid from the `parse` that filled it to the next one. */
export class HelloView {
  readonly #exports: CoreExports;
  readonly #memory: CoreMemory;
  readonly #address: number;
  readonly #message: number;
  readonly #text: number;
  readonly #values: number;
  readonly #names: SeenTexts;
  readonly #ja3: SeenTexts;
  readonly #ja4: SeenTexts;

  constructor(exports: CoreExports, memory: CoreMemory) {
    this.#exports = exports;
    this.#memory = memory;
    this.#address = exports.sp_region(L.REGION_HELLO);
    this.#message = exports.sp_region(L.REGION_MESSAGE);
    this.#text = exports.sp_region(L.REGION_TEXT);
    this.#values = exports.sp_region(L.REGION_VALUES);
    this.#names = new SeenTexts(memory, TEXT_BITS);
    this.#ja3 = new SeenTexts(memory, TEXT_BITS);
    this.#ja4 = new SeenTexts(memory, TEXT_BITS);
  }

  #number(at: number): number {
    return this.#memory.view.getUint32(this.#address + at, true);
  }

  #bytes(address: number, length: number): Buffer {
    return Buffer.from(this.#memory.bytes.buffer, address, length);
  }

  #latin1(address: number, length: number): string {
    return this.#memory.latin1(address, length);
  }

  #written(kind: number): string {
    return this.#latin1(this.#text, this.#exports.sp_hello_text(kind));
  }

  /** The handshake message without its header, where it lies in the core's memory. */
  get body(): Uint8Array {
    return this.#bytes(this.#message, this.bytes - MESSAGE_HEADER);
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

  /** A session ticket that is not empty. */
  get ticket(): boolean {
    return this.#flag(L.HELLO_FLAG_TICKET);
  }

  get preSharedKey(): boolean {
    return this.#flag(L.HELLO_FLAG_PSK);
  }

  /** The extension, as after a HelloRetryRequest; not the field of DTLS. */
  get cookie(): boolean {
    return this.#flag(L.HELLO_FLAG_COOKIE);
  }

  get compressCertificate(): boolean {
    return this.#flag(L.HELLO_FLAG_COMPRESS_CERTIFICATE);
  }

  /** Application-layer protocol settings, as Chrome offers them. */
  get alps(): boolean {
    return this.#flag(L.HELLO_FLAG_ALPS);
  }

  /** Does the client offer a post-quantum group? */
  get pq(): boolean {
    return this.#flag(L.HELLO_FLAG_PQ);
  }

  /** Is the host name an IPv4 address? Only a client that breaks RFC 6066 sends one. */
  get sniIsAddress(): boolean {
    return this.#flag(L.HELLO_FLAG_SNI_ADDRESS);
  }

  /**
   * Host name in lower case without a final dot, the form that policies see; null when the client sent none.
   * After the violation `sni_not_a_name` it is what the client sent instead, as Latin-1.
   */
  get sni(): string | null {
    const length = this.#number(L.HELLO_NAME_LENGTH_AT);
    if (length > 0) return this.#names.latin1(this.#values + this.#number(L.HELLO_NAME_OFFSET_AT), length);
    const sent = this.#number(L.HELLO_SNI_LENGTH_AT);
    return sent === 0 ? null : this.#latin1(this.#message + this.#number(L.HELLO_SNI_OFFSET_AT), sent);
  }

  /** Type and length of each extension in the client's order, GREASE and unknown ones included. */
  get extensions(): readonly { readonly type: number; readonly length: number }[] {
    const block = this.#bytes(
      this.#message + this.#number(L.HELLO_EXTENSIONS_OFFSET_AT),
      this.#number(L.HELLO_EXTENSIONS_LENGTH_AT),
    );
    const found: { type: number; length: number }[] = [];
    for (let at = 0; at < block.length; at += 4 + block.readUInt16BE(at + 2)) {
      found.push({ type: block.readUInt16BE(at), length: block.readUInt16BE(at + 2) });
    }
    return found;
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
    return this.#ja3.latin1(this.#address + L.HELLO_JA3_HASH_AT, 32);
  }

  /** JA3 with its extensions sorted, which survives clients that shuffle them. */
  get ja3n(): string {
    return this.#written(L.TEXT_JA3N);
  }

  get ja3nHash(): string {
    this.#exports.sp_hello_text(L.TEXT_JA3N);
    return this.#latin1(this.#address + L.HELLO_JA3N_HASH_AT, 32);
  }

  get ja4(): string {
    return this.#ja4.latin1(this.#address + L.HELLO_JA4_AT, 36);
  }

  /** Copies the JA3 hash and, at `JA4_AT` after it, the JA4: `FINGERPRINT_BYTES` in ASCII. */
  copyFingerprints(into: Uint8Array, at: number): void {
    into.set(this.#bytes(this.#address + L.HELLO_JA3_HASH_AT, JA4_AT), at);
    into.set(this.#bytes(this.#address + L.HELLO_JA4_AT, FINGERPRINT_BYTES - JA4_AT), at + JA4_AT);
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
