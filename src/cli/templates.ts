/** The configuration that `sallyport init` writes. */

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

# MaxMind databases for conn.country and conn.asn; none comes with the package. Free ones: GeoLite2 of MaxMind
# (\`geoipupdate\` fetches them), or the Lite databases of DB-IP or IPinfo.
# geo:
#   country: /var/lib/GeoIP/GeoLite2-Country.mmdb
#   asn: /var/lib/GeoIP/GeoLite2-ASN.mmdb

# Under a listener, behind a load balancer that passes TLS through: whose PROXY header is believed.
#   proxyProtocol: { from: [10.0.0.0/8] }

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
