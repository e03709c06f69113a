/** The files that `sallyport init` writes. */
import { readFileSync } from 'node:fs';

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

/** The default pack's policy, with its key in a file beside it instead of in the environment. */
export function initialPolicy(): string {
  const pack = readFileSync(new URL('../../policies/three-tiers.pdl', import.meta.url), 'utf8');
  return pack.replace(/^secret puzzle_key .*$/m, 'secret puzzle_key from file ".sallyport/puzzle.key"');
}

export const INITIAL_FEEDS: Readonly<Record<string, string>> = {
  'blocklist.txt':
    '# Addresses and prefixes with a bad name, one a line: 192.0.2.1, 198.51.100.0/24, 2001:db8::/32\n',
  'tool-ja4.txt':
    '# TLS fingerprints (JA4) of tools you do not expect, one a line. `sallyport inspect hello` prints them.\n',
};
