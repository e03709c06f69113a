/** The entries of a policy's profile that the matrix shows, each under a server name of its own. */

/** By name; the text is what a policy says beside `extends tls.intermediate` or the profile named. */
export const ENTRIES: Readonly<Record<string, { readonly parent: string; readonly text: string }>> = {
  intermediate: { parent: 'intermediate', text: '' },
  modern: { parent: 'modern', text: '' },
  'post-quantum': { parent: 'post_quantum', text: '' },
  'tls12-only': { parent: 'intermediate', text: 'tls { versions tls1.2..tls1.2 }' },
  'chacha-first': {
    parent: 'intermediate',
    text: `tls { ciphers = [ TLS_CHACHA20_POLY1305_SHA256, TLS_AES_128_GCM_SHA256,
      TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ]  prefer server }`,
  },
  'aes256-first': {
    parent: 'intermediate',
    text: `tls { ciphers = [ TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256,
      TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ]  prefer server }`,
  },
  'p384-only': { parent: 'intermediate', text: 'tls { groups = [ secp384r1 ] }' },
  'p256-first': { parent: 'intermediate', text: 'tls { groups = [ secp256r1, x25519 ]  prefer server }' },
  'rsa-signatures': {
    parent: 'intermediate',
    text: 'tls { sigalgs = [ rsa_pss_rsae_sha256, rsa_pss_rsae_sha384, rsa_pkcs1_sha256 ] }',
  },
  'http11-only': { parent: 'intermediate', text: 'tls { alpn = [ "http/1.1" ] }' },
  'no-tickets': { parent: 'intermediate', text: 'tls { tickets off }' },
  'no-alpn-no-entry': {
    parent: 'intermediate',
    text: 'extensions { require { application_layer_protocol_negotiation } else refuse alert no_application_protocol }',
  },
};

/** A name that every client takes to be this host. */
export function hostOf(entry: string): string {
  return `${entry}.localhost`;
}

/** All entries as one policy: one listener, a site for each. */
export function matrixPolicy(): string {
  const names = Object.keys(ENTRIES);
  const policies = names.map((name, i) => {
    const { parent, text } = ENTRIES[name]!;
    return `policy p${i} extends tls.${parent} { ${text} rank ${i + 1} }
site s${i} { listen edge  sni { "${hostOf(name)}" }  score none  ladder { from 0 use p${i} }  on_error use p${i} }`;
  });
  return `pdl 1
import "std/tls" as tls
score none { clamp 0..100 }
${policies.join('\n')}
`;
}
