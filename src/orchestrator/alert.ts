/**
 * TLS alerts written by hand: what a client is told when it is refused before any TLS state exists.
 */

/** Alert descriptions by their IANA names (TLS Alerts registry; RFC 8446 section 6). */
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

const FATAL = 2;

/**
 * One fatal alert record of seven bytes. Its legacy_record_version is 0x0303 as RFC 8446 section 5.1
 * asks of every record but the first ClientHello. An unknown name becomes `handshake_failure`.
 */
export function alertRecord(name: string): Uint8Array {
  return Uint8Array.of(0x15, 0x03, 0x03, 0x00, 0x02, FATAL, ALERTS[name] ?? 40);
}
