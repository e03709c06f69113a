/** A policy with a site for each rule on client certificates. */

/** Body of `client_cert require { … }` by name of its site, beside `trust [ partner ]`. */
const DEMANDS: Readonly<Record<string, string>> = {
  plain: '',
  depth2: 'depth 2',
  depth3: 'depth 3',
  issuer: 'ensure cert.issuer == "CN=Partner CA" else refuse alert unknown_ca',
  subject: 'ensure cert.subject == "CN=billing,O=Partner" else refuse alert access_denied',
  dns: 'ensure any(cert.san_dns) like "*.partners.example" else refuse alert access_denied',
  uri: 'ensure cert.san_uri has "https://partner.example/app" else refuse alert certificate_unknown',
  spiffe: 'ensure cert.spiffe in services else refuse alert access_denied',
  eku: 'ensure cert.eku has client_auth else refuse alert unsupported_certificate',
  key: 'ensure cert.key in { ec_p384, rsa_3072 } else refuse alert insufficient_security',
  sigalg: 'ensure cert.sigalg == ecdsa_secp256r1_sha256 else refuse alert bad_certificate',
  remaining: 'ensure cert.remaining >= 72h else refuse alert certificate_expired',
  age: 'ensure cert.age >= 1h else refuse alert certificate_unknown',
  lifetime: 'ensure cert.lifetime <= 90d',
  authority: 'trust [ partner, other ]  ensure cert.ca == partner else refuse alert unknown_ca',
  fingerprint: 'ensure cert.fingerprint not in banned else refuse alert certificate_revoked',
  crl: 'revocation crl "partner.crl" on_unknown refuse',
  lenient: 'revocation crl "partner.crl" on_unknown accept',
  stale: 'revocation crl "stale.crl" on_unknown refuse',
  forged: 'revocation crl "forged.crl" on_unknown refuse',
  feed: 'revocation feed banned',
  several:
    'ensure cert.lifetime <= 90d else refuse alert bad_certificate  ensure cert.age >= 1h else refuse alert access_denied',
};

/** The policy; `more` adds demands by site, and `rules` stand in the sites that they are named for. */
export function certificatePolicy(more: Readonly<Record<string, string>> = {}): string {
  const demands = { ...DEMANDS, ...more };
  const policies = Object.entries(demands).map(([name, body]) => {
    const trust = body.includes('trust [') ? '' : 'trust [ partner ]';
    return `policy ${name} extends tls.intermediate { client_cert require { ${trust} ${body} } }`;
  });
  const sites = [...Object.keys(demands), 'asked', 'open', 'scored'].map((name) => {
    const rules =
      name === 'asked' || name === 'scored'
        ? 'forbid stranger when known cert.spiffe and cert.spiffe not in services do refuse alert access_denied'
        : '';
    const ladder =
      name === 'scored' ? 'ladder { from 0 use asked  from 60 use shut }' : `ladder { from 0 use ${name} }`;
    return `site ${name} { listen edge  sni { "${name}.test" }  score ${name === 'scored' ? 'trouble' : 'none'}  ${ladder}  on_error use shut  ${rules} }`;
  });
  return `pdl 1
import "std/tls" as tls
ca partner from file "partner.pem"
ca other from file "other.pem"
feed banned of fingerprint from file "banned.txt" { }
set services of spiffe = { "spiffe://shop.example/web", "spiffe://shop.example/billing" }
score none { clamp 0..100 }
score trouble { clamp 0..100  signal fresh +70 when cert.age < 1h }
policy shut extends tls.modern { action refuse alert access_denied  rank 90 }
policy asked extends tls.intermediate { client_cert request { trust [ partner ] } }
policy open extends tls.intermediate { }
${policies.join('\n')}
${sites.join('\n')}
`;
}
