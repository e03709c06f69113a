/** The PROXY protocol on the wire (haproxy's proxy-protocol.txt, section 2), for those who read and write it. */

/** Version 1: a line of text, its line end included. */
export const V1_PREFIX: Buffer = Buffer.from('PROXY ', 'latin1');
export const MAX_V1_BYTES = 107;

/** Version 2: signature, version and command, family and protocol, length of what follows. */
export const V2_SIGNATURE: Buffer = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
export const V2_HEAD_BYTES = 16;
export const V2_COMMAND_AT = 12;
export const V2_FAMILY_AT = 13;
export const V2_LENGTH_AT = 14;

/** Version 2 in the upper four bits. */
export const V2_COMMAND = { local: 0x20, proxy: 0x21 } as const;

/** Address family and transport. */
export const V2_FAMILY = { unspecified: 0x00, tcp4: 0x11, tcp6: 0x21, unixStream: 0x31 } as const;

/** Bytes of the two addresses and their ports. */
export const V2_ADDRESS_BYTES = { tcp4: 12, tcp6: 36, unixStream: 216 } as const;

/** Types of the variable fields; those from 0xe0 are for applications, and these are Sallyport's. */
export const TLV = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  uniqueId: 0x05,
  ssl: 0x20,
  sslVersion: 0x21,
  sslCipher: 0x23,
  score: 0xe0,
  policy: 0xe1,
  ja4: 0xe2,
} as const;

/** Type and length before a field's value. */
export const TLV_HEAD_BYTES = 3;
