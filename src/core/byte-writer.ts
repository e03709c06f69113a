/** Bytes that grow at their end; numbers are little-endian. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  /** Adds `count` bytes of zeros and returns where they begin. */
  skip(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  /** @param width 1, 2 or 4 bytes. */
  write(at: number, width: number, value: number): void {
    if (width === 1) this.#view.setUint8(at, value);
    else if (width === 2) this.#view.setUint16(at, value, true);
    else this.#view.setUint32(at, value, true);
  }

  writeLong(at: number, value: bigint): void {
    this.#view.setBigUint64(at, value, true);
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}
