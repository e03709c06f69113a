/** The files that `sallyport init` writes. */

export const INITIAL_CONFIG = `# What belongs to this host. Every key, its default and bounds: docs/operations.md
version: 1

# The policy: what is decided about each client. \`sallyport reload\` reads it again.
policy: policy.pdl

# Edge workers; one per core when this is left out, 0 keeps everything on one loop.
# threads: 2

listeners:
  - name: edge                  # the name that \`listen\` uses in the policy
    address: 0.0.0.0:443
    certificates: [default]     # the first serves names that none covers
    upstream: app

certificates:
  default:
    certificate: cert.pem       # the chain, leaf first
    key: key.pem                # not encrypted, mode 0600

upstreams:
  app:
    protocol: http              # or tcp, for anything that is not HTTP
    url: http://127.0.0.1:8080

# limits:
#   connections: 20000          # of the whole process
#   helloTimeout: 5s            # from accept to a whole ClientHello
#   handshakeTimeout: 10s       # from accept to the end of the handshake

# tls:
#   minVersion: "1.2"           # the floor no policy can lower

# admin:                        # false turns it off
#   address: 127.0.0.1:9443
#   tokenFile: .sallyport/admin.token

# metrics:                      # /healthz, /ready and /metrics; false turns it off
#   address: 127.0.0.1:9090

# audit:                        # one JSON line per connection; false turns it off
#   file: audit.jsonl           # or - for standard output

# log:
#   level: info
`;

export const INITIAL_POLICY = `# What is decided about each client. Scores run from 0 (good) to 100 (bad).
# Check this file, and run the tests at its end, with: sallyport check policy.pdl
pdl 1

import "std/tls" as tls

secret puzzle_key from file ".sallyport/puzzle.key"

set trusted of cidr = { 192.0.2.0/28 }

counter hellos_by_ip per conn.ip (v4 32, v6 64) window 10s of hello

limit flood { per conn.ip (v4 32, v6 56)  allow 50/s burst 100  then reset }

score risk {
  clamp 0..100
  group shape cap 50 {
    signal no_sni     +30 when unknown hello.sni
    signal no_alpn    +20 when count(hello.alpn) == 0
  }
  group pace cap 60 {
    signal hello_burst +0..60 ramp rate(hellos_by_ip) from 2/s to 20/s
  }
  signal cleared -40 when client.cleared
}

challenge puzzle {
  kind pow
  algorithm sha256_bits
  difficulty 16..20 over score 51..90
  solve_within 30s
  clears for 4h per conn.ip (v4 24, v6 64), hello.ja4
  secret puzzle_key
}

policy low    extends tls.intermediate { limits [ flood ] }
policy medium extends low              { challenge puzzle  rank 50  log all }
policy high   extends tls.modern       { action refuse alert access_denied  rank 90  log all }

site default {
  listen edge
  sni any
  score risk
  ladder {
    from 0  use low
    from 51 use medium
    from 91 use high
  }
  on_error use medium
  exempt trusted_net when conn.ip in trusted use low
}

test "an ordinary browser walks in" for default {
  given { conn.ip 203.0.113.7  hello.sni "shop.example"  hello.alpn [ "h2", "http/1.1" ] }
  expect { policy low  score 0  challenge none }
}
test "a fast client gets a puzzle" for default {
  given { conn.ip 203.0.113.7  hello.sni "shop.example"  hello.alpn [ "h2" ]  rate hellos_by_ip 20/s }
  expect { policy medium  challenge puzzle }
}
`;
