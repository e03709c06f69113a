/** Elements of one section of a policy image, written in place. */
export class Section {
  readonly stride: number;
  bytes: DataView;
  count = 0;

  /** @param stride Bytes of an element. */
  constructor(stride: number) {
    this.stride = stride;
    this.bytes = new DataView(new ArrayBuffer(stride * 16));
  }

  /** Adds an element of zeros and returns where it begins. */
  add(): number {
    const at = this.count * this.stride;
    this.count++;
    if (at + this.stride > this.bytes.byteLength) {
      const larger = new Uint8Array(this.bytes.byteLength * 2);
      larger.set(new Uint8Array(this.bytes.buffer));
      this.bytes = new DataView(larger.buffer);
    }
    return at;
  }

  u8(at: number, value: number): void {
    this.bytes.setUint8(at, value);
  }

  u32(at: number, value: number): void {
    this.bytes.setUint32(at, value, true);
  }

  i32(at: number, value: number): void {
    this.bytes.setInt32(at, value, true);
  }

  f64(at: number, value: number): void {
    this.bytes.setFloat64(at, value, true);
  }

  /** Sets bit `index` of the bit string at `at`. */
  bit(at: number, index: number): void {
    const byte = at + (index >> 3);
    this.bytes.setUint8(byte, this.bytes.getUint8(byte) | (1 << (index & 7)));
  }

  get content(): Uint8Array {
    return new Uint8Array(this.bytes.buffer, 0, this.count * this.stride);
  }
}
