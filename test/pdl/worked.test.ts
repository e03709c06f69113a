/** The worked diagnostics of the language's design: each must come out as it is drawn there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDiagnostic } from '../../src/pdl/diagnostics/render.ts';
import { compileText } from './support.ts';

/** A file whose lines stand at given numbers; the gaps are blank. */
function lay(lines: Readonly<Record<number, string>>): string {
  const last = Math.max(...Object.keys(lines).map(Number));
  return `${Array.from({ length: last }, (_, index) => lines[index + 1] ?? '').join('\n')}\n`;
}

function drawn(file: string, code: string, text: string): string {
  const found = compileText(text, {}, file).diagnostics.filter((diagnostic) => diagnostic.code === code);
  assert.equal(found.length, 1, JSON.stringify(compileText(text, {}, file).diagnostics, null, 1));
  return renderDiagnostic(found[0]!, text, { color: false });
}

const HEAD = {
  1: 'pdl 1',
  2: 'import "std/tls" as tls',
  3: 'policy open extends tls.intermediate { }',
  4: 'policy shut extends tls.modern { action refuse alert access_denied rank 90 }',
};
const LADDER = 'ladder { from 0 use open from 5 use shut } on_error use open';

test('an unknown name is drawn with what was meant', () => {
  const text = lay({
    ...HEAD,
    17: 'feed tor_exits of cidr from file "tor.txt" { }',
    30: 'score visitors { clamp 0..100',
    35: '    signal tor_exit     +30 when conn.ip in tor_exit',
    36: '}',
    40: `site shop { listen edge sni any score visitors ${LADDER} }`,
  });
  assert.equal(
    drawn('shop.pdl', 'PDL-N001', text),
    `error[PDL-N001]: there is no set or feed called \`tor_exit\`
  ┌─ shop.pdl:35:45
35 │     signal tor_exit     +30 when conn.ip in tor_exit
   │                                             ^^^^^^^^ not declared in this file or its imports
   = a feed with almost this name exists:  feed tor_exits of cidr   (line 17)
   fix (safe): write \`tor_exits\``,
  );
});

test('a number without a unit is drawn beside what it is compared with', () => {
  const text = lay({
    ...HEAD,
    10: 'counter hellos_by_ip per conn.ip window 10s',
    30: 'score visitors { clamp 0..100',
    45: '    signal hello_burst +20 when rate(hellos_by_ip) > 5',
    46: '}',
    50: `site shop { listen edge sni any score visitors ${LADDER} }`,
  });
  assert.equal(
    drawn('shop.pdl', 'PDL-Y004', text),
    `error[PDL-Y004]: \`5\` has no unit, but a rate is compared here
  ┌─ shop.pdl:45:54
45 │     signal hello_burst +20 when rate(hellos_by_ip) > 5
   │                                 ------------------   ^ expected a rate such as 5/s or 300/m
   fix (pick one): \`5/s\` · \`5/m\``,
  );
});

test('versions and suites that do not meet are drawn together', () => {
  const text = lay({
    ...HEAD,
    29: 'policy api extends tls.modern {',
    30: '  tls {',
    31: '    versions tls1.3..tls1.3 locked',
    32: '    ciphers  = [ TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ]',
    33: '} }',
    34: 'score s { clamp 0..100 signal a +9 when client.cleared }',
    35: `site api { listen edge sni any score s ${LADDER.replace('on_error use open', 'on_error use api')} }`,
  });
  assert.equal(
    drawn('api.pdl', 'PDL-T001', text),
    `error[PDL-T001]: policy \`api\` can never finish a handshake
  ┌─ api.pdl:31:5
31 │     versions tls1.3..tls1.3 locked
   │              -------------- only TLS 1.3 is allowed …
32 │     ciphers  = [ TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ]
   │                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ … but every suite listed is for TLS 1.2
   = clients would see alert handshake_failure(40) on every connection
   fix (safe): add TLS_AES_128_GCM_SHA256`,
  );
});

test('a rung out of reach is drawn with the highest score and how it adds up', () => {
  const text = lay({
    ...HEAD,
    6: 'policy api extends tls.modern { }',
    7: 'policy api_watch extends api { rank 30 }',
    8: 'policy api_shut extends api { action refuse rank 90 }',
    10: 'set partner_nets of cidr = { 198.51.100.0/24 }',
    11: 'feed partner_ja4 of ja4 from file "ja4.txt" { }',
    12: 'counter fails_by_ip per conn.ip window 5m of failure',
    40: 'score base { clamp 0..100',
    41: '  group reputation cap 50 {',
    42: '    signal unknown_net   +25 when conn.ip not in partner_nets',
    43: '    signal repeat_fails  +0..50 ramp rate(fails_by_ip) from 1/m to 20/m',
    44: '  }',
    45: '  group client cap 30 {',
    46: '    signal odd_client_sw +20 when hello.ja4 not in partner_ja4',
    47: '    signal short_lived   -10 when cert.lifetime <= 8d',
    48: '    signal fresh_cert    +10 when cert.age < 1h',
    49: '    signal near_expiry    +5 when cert.remaining < 7d',
    50: '  }',
    51: '}',
    62: 'score api_risk extends base {',
    63: '  remove signal fresh_cert  remove signal near_expiry',
    64: '}',
    88: 'site api {',
    89: '  listen edge sni any score api_risk on_error use api_shut',
    90: '  ladder {',
    91: '    from 0 use api  from 45 use api_watch',
    92: '    from 75 use api_shut',
    93: '  }',
    94: '}',
  });
  assert.equal(
    drawn('api.pdl', 'PDL-L002', text),
    `warning[PDL-L002]: rung \`from 75 use api_shut\` cannot be reached (exact)
  ┌─ api.pdl:92:5
92 │     from 75 use api_shut
   │     ^^^^^^^^^^^^^^^^^^^^
   = the highest possible score of \`api_risk\` is 70:
       reputation  cap 50 (unknown_net 25 + repeat_fails 50 → 50)
       client      20     (odd_client_sw 20; fresh_cert and near_expiry were removed on line 63)
   = api_shut will never be used by site \`api\`
   fix (maybe): lower the bound to 70 · raise \`odd_client_sw\` by 5`,
  );
});

test('a rule that an exemption overrules is drawn below it', () => {
  const text = lay({
    ...HEAD,
    8: 'feed partner_asns of asn from file "asns.txt" { }',
    9: 'feed tool_ja4 of ja4 from file "ja4.txt" { }',
    10: 'score s { clamp 0..100 signal a +9 when client.cleared }',
    79: 'site shop {',
    80: `  listen edge sni any score s ${LADDER}`,
    81: '  exempt partners when conn.asn in partner_asns use open',
    88: '  deny tool_block when conn.asn in partner_asns and hello.ja4 in tool_ja4 do drop',
    89: '}',
  });
  assert.equal(
    drawn('shop.pdl', 'PDL-R002', text),
    `warning[PDL-R002]: \`deny tool_block\` never has an effect on site \`shop\`
  ┌─ shop.pdl:88:3
81 │   exempt partners when conn.asn in partner_asns use open
   │   ------ every client that matches the deny below is exempt here first
88 │   deny tool_block when conn.asn in partner_asns and hello.ja4 in tool_ja4 do drop
   │   ^^^^^^^^^^^^^^^
   = tiers are checked in the order forbid, exempt, deny; file order does not matter
   help: if this client must be blocked even when exempt, use \`forbid\``,
  );
});

test('a rule that an unknown fact disarms is drawn with the reason', () => {
  const text = lay({
    ...HEAD,
    8: 'feed sanctioned of country from file "geo.txt" { }',
    10: 'score s { clamp 0..100 signal a +9 when client.cleared }',
    76: 'site api {',
    77: `  listen edge sni any score s ${LADDER}`,
    78: '  forbid sanctioned_geo when conn.country in sanctioned do drop',
    79: '}',
  });
  assert.equal(
    drawn('api.pdl', 'PDL-U001', text),
    `warning[PDL-U001]: clients with unknown country pass \`forbid sanctioned_geo\`
  ┌─ api.pdl:78:30
78 │   forbid sanctioned_geo when conn.country in sanctioned do drop
   │                              ^^^^^^^^^^^^ may be unknown (address not in the geo database)
   = an unknown fact never makes a rule fire
   fix (maybe): add \`forbid geo_unknown when unknown conn.country … do drop\`
   if intended: @allow "PDL-U001" @why "…"`,
  );
});
