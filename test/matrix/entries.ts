/** The entries of a policy's profile that the matrix shows, each under a server name of its own. */

interface Entry {
  /** Profile of the standard pack that it extends. */
  readonly parent: 'modern' | 'intermediate' | 'post_quantum';
  /** What it says beside that. */
  readonly text: string;
}

function intermediate(text: string): Entry {
  return { parent: 'intermediate', text };
}

/** By name. */
export const ENTRIES: Readonly<Record<string, Entry>> = {
  intermediate: { parent: 'intermediate', text: '' },
  modern: { parent: 'modern', text: '' },
  'post-quantum': { parent: 'post_quantum', text: '' },
  'tls12-only': intermediate('tls { versions tls1.2..tls1.2 }'),
  'tls13-only': intermediate('tls { versions tls1.3..tls1.3 }'),
  'chacha-first': intermediate(`tls { ciphers = [ TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256,
      TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ]  prefer server }`),
  'aes256-first': intermediate(`tls { ciphers = [ TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256,
      TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ]  prefer server }`),
  'without-aes128': intermediate(`tls { ciphers -= [ TLS_AES_128_GCM_SHA256,
      TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ] }`),
  'client-order': intermediate('tls { prefer client }'),
  'tls12-client-order': intermediate('tls { versions tls1.2..tls1.2  prefer client }'),
  'tls12-chacha-first': intermediate(`tls { versions tls1.2..tls1.2
      ciphers = [ TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ] }`),
  'p384-only': intermediate('tls { groups = [ secp384r1 ] }'),
  'p256-first': intermediate('tls { groups = [ secp256r1, x25519 ]  prefer server }'),
  'p521-too': intermediate('tls { groups += [ secp521r1 ] }'),
  'rsa-signatures': intermediate(
    'tls { sigalgs = [ rsa_pss_rsae_sha256, rsa_pss_rsae_sha384, rsa_pkcs1_sha256 ] }',
  ),
  'rsa-certificate': intermediate('tls { certificate "rsa" }'),
  'http11-only': intermediate('tls { alpn = [ "http/1.1" ] }'),
  'h2-only': intermediate('tls { alpn = [ "h2" ] }'),
  'no-tickets': intermediate('tls { tickets off }'),
  'tls12-no-tickets': intermediate('tls { versions tls1.2..tls1.2  tickets off }'),
  'switched-off': intermediate('tls { early_data off  renegotiation off  ocsp_stapling off }'),
  staples: intermediate('tls { ocsp_stapling on }'),
  'tls12-staples': intermediate('tls { versions tls1.2..tls1.2  ocsp_stapling on }'),
  'asks-certificate': intermediate('client_cert request { trust [ clients ] }'),
  'tls12-asks-certificate': intermediate(
    'tls { versions tls1.2..tls1.2 }  client_cert request { trust [ clients ] }',
  ),
  'certificate-required': intermediate('client_cert require { trust [ clients ] }'),
  'own-extensions': intermediate(`client_cert request { trust [ clients ] }  extensions {
      send ext(0xff5a) "offered" in encrypted_extensions  send ext(0xff5b) "asked" in certificate_request
      send ext(0xff5c) "given" in new_session_ticket }`),
  'no-alpn-no-entry': intermediate(
    'extensions { require { application_layer_protocol_negotiation } else refuse alert no_application_protocol }',
  ),
  'no-encrypt-then-mac': intermediate(
    'extensions { forbid { encrypt_then_mac } else refuse alert unsupported_extension }',
  ),
  'few-types':
    intermediate(`extensions { only { server_name, ec_point_formats, supported_groups, session_ticket,
      application_layer_protocol_negotiation, encrypt_then_mac, extended_master_secret, signature_algorithms,
      supported_versions, psk_key_exchange_modes, key_share } else refuse alert illegal_parameter }`),
  'at-most-13': intermediate('extensions { max_count 13 else refuse alert record_overflow }'),
  'in-order': intermediate('extensions { require { server_name, key_share }  order fixed }'),
};

/** A name that every client takes to be this host. */
export function hostOf(entry: string): string {
  return `${entry}.localhost`;
}

/** All entries as one policy: one listener, a site for each. It reads `clients.pem`. */
export function matrixPolicy(): string {
  const names = Object.keys(ENTRIES);
  const policies = names.map((name, i) => {
    const { parent, text } = ENTRIES[name]!;
    return `policy p${i} extends tls.${parent} { ${text} rank ${i + 1} }
site s${i} { listen edge  sni { "${hostOf(name)}" }  score none  ladder { from 0 use p${i} }  on_error use p${i} }`;
  });
  return `pdl 1
import "std/tls" as tls
ca clients from file "clients.pem"
score none { clamp 0..100 }
${policies.join('\n')}
`;
}
