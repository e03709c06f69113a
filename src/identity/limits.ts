/** What a client's certificates may cost. The addon keeps two more: eight certificates beside the client's own, keys of 8,192 bits. */

/** Bytes of a Certificate message. OpenSSL ends the handshake with `illegal_parameter` when there are more. */
export const MAX_CERTIFICATE_BYTES: number = 32 * 1024;
/** Certificates in a verified chain, its root included. */
export const MAX_CHAIN: number = 8;
/** Names of certificate authorities that a CertificateRequest lists; with more of them it lists none. */
export const MAX_NAMED_AUTHORITIES: number = 32;
/** Certificates whose attributes a worker remembers. */
export const MAX_REMEMBERED: number = 1_024;
