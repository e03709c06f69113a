/**
 * Names and code points of TLS as IANA registers them, and what OpenSSL calls what it can serve
 * (TLS Parameters, TLS ExtensionType Values and TLS Alerts registries; see registry/README.md).
 */
import {
  ALERT_TABLE,
  CIPHER_TABLE,
  EXTENSION_TABLE,
  GROUP_TABLE,
  PSK_MODE_TABLE,
  type Row,
  SIGALG_TABLE,
} from './iana.gen.ts';

function servable(table: readonly Row[]): ReadonlyMap<number, string> {
  return new Map(table.flatMap(([code, , openssl]) => (openssl === undefined ? [] : [[code, openssl]])));
}

function codes(table: readonly Row[]): ReadonlyMap<string, number> {
  return new Map(table.map(([code, iana]) => [iana, code]));
}

/** Cipher suites OpenSSL can serve: code point to OpenSSL's name (TLS 1.3 suites keep the IANA name). */
export const CIPHERS: ReadonlyMap<number, string> = servable(CIPHER_TABLE);
/** Key exchange groups OpenSSL can serve: code point to OpenSSL's name. */
export const GROUPS: ReadonlyMap<number, string> = servable(GROUP_TABLE);
/** Signature schemes OpenSSL can serve: code point to OpenSSL's name. */
export const SIGALGS: ReadonlyMap<number, string> = servable(SIGALG_TABLE);

/** Code points by IANA name. */
export const CIPHER_CODES: ReadonlyMap<string, number> = codes(CIPHER_TABLE);
export const GROUP_CODES: ReadonlyMap<string, number> = codes(GROUP_TABLE);
export const SIGALG_CODES: ReadonlyMap<string, number> = codes(SIGALG_TABLE);
export const EXTENSION_CODES: ReadonlyMap<string, number> = codes(EXTENSION_TABLE);
export const PSK_MODE_CODES: ReadonlyMap<string, number> = codes(PSK_MODE_TABLE);

/** IANA names by code point. */
export const CIPHER_NAMES: ReadonlyMap<number, string> = new Map(
  CIPHER_TABLE.map(([code, iana]) => [code, iana]),
);
export const GROUP_NAMES: ReadonlyMap<number, string> = new Map(
  GROUP_TABLE.map(([code, iana]) => [code, iana]),
);

export const SIGALG_NAMES: ReadonlyMap<number, string> = new Map(
  SIGALG_TABLE.map(([code, iana]) => [code, iana]),
);
export const EXTENSION_NAMES: ReadonlyMap<number, string> = new Map(
  EXTENSION_TABLE.map(([code, iana]) => [code, iana]),
);

/** True for a suite of TLS 1.3 (RFC 8446 appendix B.4); every other suite is for TLS 1.2 and below. */
export function isTls13Cipher(code: number): boolean {
  return code >> 8 === 0x13;
}

/** True for suites without forward secrecy, in CBC mode, or with a broken cipher or hash. */
export function isWeakCipher(code: number): boolean {
  const name = CIPHER_NAMES.get(code) ?? '';
  return /^TLS_(RSA|DH|ECDH)_|_CBC_|RC4|NULL|DES|EXPORT|_anon_/.test(name);
}

/** Alert descriptions by IANA name (RFC 8446 section 6). */
export const ALERTS: Readonly<Record<string, number>> = Object.fromEntries(codes(ALERT_TABLE));
