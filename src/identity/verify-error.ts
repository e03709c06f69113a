/** Why OpenSSL did not verify a chain (`X509_V_ERR_…`), and the alert that says so (RFC 8446 section 6.2). */

const UNKNOWN_CA = new Set([2, 18, 19, 20, 21, 22, 24, 27, 33, 79]);
/** Not yet valid is told by the same alert: "expired or is not currently valid". */
const NOT_IN_TIME = new Set([9, 10, 13, 14]);
/** Purposes, critical extensions and constraints that are not meant or not known. */
const UNSUPPORTED = new Set([26, 34, 51]);
/** The addon's own: a key of more bits than are verified with. */
const KEY_TOO_LARGE = 1_000;

/** IANA's name of the alert. */
export function alertForError(error: number): string {
  if (UNKNOWN_CA.has(error)) return 'unknown_ca';
  if (NOT_IN_TIME.has(error)) return 'certificate_expired';
  return UNSUPPORTED.has(error) || error === KEY_TOO_LARGE ? 'unsupported_certificate' : 'bad_certificate';
}
