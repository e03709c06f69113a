/**
 * Names and code points of TLS as IANA registers them, and what OpenSSL calls what it can serve
 * (TLS Parameters, TLS ExtensionType Values and TLS Alerts registries).
 */
import { CIPHER_ROWS } from './iana-ciphers.ts';

/** Code point, IANA name, OpenSSL name; the last is absent for what OpenSSL does not serve. */
type Row = readonly [code: number, iana: string, openssl?: string];

const CIPHER_TABLE: readonly Row[] = CIPHER_ROWS.trim()
  .split('\n')
  .map((line) => {
    const [code, iana, openssl] = line.split(' ');
    return openssl === undefined
      ? ([Number.parseInt(code!, 16), iana!] as const)
      : ([Number.parseInt(code!, 16), iana!, openssl] as const);
  });

const GROUP_TABLE: readonly Row[] = [
  [0x0010, 'secp192k1'],
  [0x0013, 'secp192r1'],
  [0x0015, 'secp224r1'],
  [0x0016, 'secp256k1'],
  [0x0017, 'secp256r1', 'P-256'],
  [0x0018, 'secp384r1', 'P-384'],
  [0x0019, 'secp521r1', 'P-521'],
  [0x001a, 'brainpoolP256r1'],
  [0x001b, 'brainpoolP384r1'],
  [0x001c, 'brainpoolP512r1'],
  [0x001d, 'x25519', 'X25519'],
  [0x001e, 'x448', 'X448'],
  [0x0100, 'ffdhe2048', 'ffdhe2048'],
  [0x0101, 'ffdhe3072', 'ffdhe3072'],
  [0x0102, 'ffdhe4096', 'ffdhe4096'],
  [0x0103, 'ffdhe6144', 'ffdhe6144'],
  [0x0104, 'ffdhe8192', 'ffdhe8192'],
  [0x0200, 'MLKEM512', 'MLKEM512'],
  [0x0201, 'MLKEM768', 'MLKEM768'],
  [0x0202, 'MLKEM1024', 'MLKEM1024'],
  [0x11eb, 'SecP256r1MLKEM768', 'SecP256r1MLKEM768'],
  [0x11ec, 'X25519MLKEM768', 'X25519MLKEM768'],
  [0x11ed, 'SecP384r1MLKEM1024', 'SecP384r1MLKEM1024'],
  [0x6399, 'X25519Kyber768Draft00'],
];

const SIGALG_TABLE: readonly Row[] = [
  [0x0201, 'rsa_pkcs1_sha1', 'RSA+SHA1'],
  [0x0203, 'ecdsa_sha1', 'ECDSA+SHA1'],
  [0x0401, 'rsa_pkcs1_sha256', 'rsa_pkcs1_sha256'],
  [0x0403, 'ecdsa_secp256r1_sha256', 'ecdsa_secp256r1_sha256'],
  [0x0501, 'rsa_pkcs1_sha384', 'rsa_pkcs1_sha384'],
  [0x0503, 'ecdsa_secp384r1_sha384', 'ecdsa_secp384r1_sha384'],
  [0x0601, 'rsa_pkcs1_sha512', 'rsa_pkcs1_sha512'],
  [0x0603, 'ecdsa_secp521r1_sha512', 'ecdsa_secp521r1_sha512'],
  [0x0804, 'rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha256'],
  [0x0805, 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha384'],
  [0x0806, 'rsa_pss_rsae_sha512', 'rsa_pss_rsae_sha512'],
  [0x0807, 'ed25519', 'ed25519'],
  [0x0808, 'ed448', 'ed448'],
  [0x0809, 'rsa_pss_pss_sha256', 'rsa_pss_pss_sha256'],
  [0x080a, 'rsa_pss_pss_sha384', 'rsa_pss_pss_sha384'],
  [0x080b, 'rsa_pss_pss_sha512', 'rsa_pss_pss_sha512'],
  [0x081a, 'ecdsa_brainpoolP256r1tls13_sha256'],
  [0x081b, 'ecdsa_brainpoolP384r1tls13_sha384'],
  [0x081c, 'ecdsa_brainpoolP512r1tls13_sha512'],
  [0x0904, 'mldsa44', 'mldsa44'],
  [0x0905, 'mldsa65', 'mldsa65'],
  [0x0906, 'mldsa87', 'mldsa87'],
];

const EXTENSION_TABLE: readonly Row[] = [
  [0, 'server_name'],
  [1, 'max_fragment_length'],
  [3, 'trusted_ca_keys'],
  [4, 'truncated_hmac'],
  [5, 'status_request'],
  [10, 'supported_groups'],
  [11, 'ec_point_formats'],
  [12, 'srp'],
  [13, 'signature_algorithms'],
  [14, 'use_srtp'],
  [15, 'heartbeat'],
  [16, 'application_layer_protocol_negotiation'],
  [17, 'status_request_v2'],
  [18, 'signed_certificate_timestamp'],
  [19, 'client_certificate_type'],
  [20, 'server_certificate_type'],
  [21, 'padding'],
  [22, 'encrypt_then_mac'],
  [23, 'extended_master_secret'],
  [24, 'token_binding'],
  [25, 'cached_info'],
  [27, 'compress_certificate'],
  [28, 'record_size_limit'],
  [34, 'delegated_credential'],
  [35, 'session_ticket'],
  [41, 'pre_shared_key'],
  [42, 'early_data'],
  [43, 'supported_versions'],
  [44, 'cookie'],
  [45, 'psk_key_exchange_modes'],
  [47, 'certificate_authorities'],
  [48, 'oid_filters'],
  [49, 'post_handshake_auth'],
  [50, 'signature_algorithms_cert'],
  [51, 'key_share'],
  [54, 'connection_id'],
  [57, 'quic_transport_parameters'],
  [58, 'ticket_request'],
  [13172, 'next_protocol_negotiation'],
  [17513, 'application_settings_old'],
  [17613, 'application_settings'],
  [0xfd00, 'ech_outer_extensions'],
  [0xfe0d, 'encrypted_client_hello'],
  [0xff01, 'renegotiation_info'],
];

const PSK_MODE_TABLE: readonly Row[] = [
  [0, 'psk_ke'],
  [1, 'psk_dhe_ke'],
];

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
export const ALERTS: Readonly<Record<string, number>> = {
  close_notify: 0,
  unexpected_message: 10,
  record_overflow: 22,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  missing_extension: 109,
  unsupported_extension: 110,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  unknown_psk_identity: 115,
  certificate_required: 116,
  no_application_protocol: 120,
};
