/** The library that comes with the language, as source text; `import "std/tls"` reads it from here. */

const TLS = `pdl 1
meta { owner "pdl standard library" version "1.0.0" }

# Weak or legacy suites, by IANA name. Used by lint PDL-T003 and by rules.
set weak_ciphers of cipher = {
  TLS_RSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_256_CBC_SHA,
  TLS_RSA_WITH_AES_128_GCM_SHA256, TLS_RSA_WITH_AES_256_GCM_SHA384,
  TLS_RSA_WITH_3DES_EDE_CBC_SHA, TLS_RSA_WITH_RC4_128_SHA
}

abstract policy modern {
  action accept
  tls {
    versions      tls1.3..tls1.3
    ciphers       = [ TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256, TLS_AES_256_GCM_SHA384 ]
    groups        = [ x25519, secp256r1, secp384r1 ]
    prefer        client
    early_data    off
    renegotiation off
  }
  handshake { timeout 8s  hello_timeout 3s  max_hello 16KiB }
  client_cert off
  challenge none
  log sampled 1%
  rank 10
}

abstract policy intermediate extends modern {
  tls {
    versions tls1.2..tls1.3
    ciphers  += [
      TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
      TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
      TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
    ]
    renegotiation off locked          # a child policy may not turn this on
  }
  rank 5
}
`;

/** Text of each library file by the path an import writes. */
export const STD: ReadonlyMap<string, string> = new Map([['std/tls', TLS]]);
