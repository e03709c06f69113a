/** A reader of PROXY protocol v2 headers, written from haproxy's proxy-protocol.txt. */
import assert from 'node:assert/strict';
import { formatIp } from '../../src/orchestrator/ip.ts';

export interface DecodedProxyHeader {
  readonly source: string;
  readonly destination: string;
  /** Values by type; those inside of the SSL field by their own types. */
  readonly fields: ReadonlyMap<number, Buffer>;
  readonly length: number;
}

export function decodeProxyV2(bytes: Buffer): DecodedProxyHeader {
  assert.equal(bytes.toString('latin1', 0, 12), '\r\n\r\n\0\r\nQUIT\n');
  assert.equal(bytes[12], 0x21);
  const v4 = bytes[13] === 0x11;
  assert.ok(v4 || bytes[13] === 0x21);
  const length = 16 + bytes.readUInt16BE(14);
  assert.ok(bytes.length >= length);
  const size = v4 ? 4 : 16;
  const ip = (at: number) => {
    const whole = new Uint8Array(16);
    whole.set(bytes.subarray(at, at + size), 16 - size);
    return formatIp(whole, v4);
  };
  const ports = 16 + size * 2;
  const fields = new Map<number, Buffer>();
  readFields(bytes.subarray(ports + 4, length), fields);
  return {
    source: `${ip(16)} ${bytes.readUInt16BE(ports)}`,
    destination: `${ip(16 + size)} ${bytes.readUInt16BE(ports + 2)}`,
    fields,
    length,
  };
}

function readFields(bytes: Buffer, fields: Map<number, Buffer>): void {
  for (let at = 0; at < bytes.length; ) {
    const type = bytes.readUInt8(at);
    const end = at + 3 + bytes.readUInt16BE(at + 1);
    assert.ok(end <= bytes.length);
    const value = bytes.subarray(at + 3, end);
    fields.set(type, value);
    if (type === 0x20) readFields(value.subarray(5), fields);
    at = end;
  }
}
