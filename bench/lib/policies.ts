/** Policies made to a size. */

const HEAD = `pdl 1
import "std/tls" as tls
score risk { clamp 0..100  signal known -10 when client.cleared  signal base +90 when hello.grease }
policy low  extends tls.intermediate { }
policy high extends tls.modern { action refuse alert access_denied  rank 90 }
site main {
  listen edge
  sni any
  score risk
  ladder { from 0 use low  from 50 use high }
  on_error use low
`;
const CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

/** A policy of `count` deny rules, each different, over about a hundred different tests. */
export function policyOfRules(count: number): string {
  const rules = Array.from({ length: count }, (_, index) => {
    const net = `conn.ip in { 10.${index % 32}.0.0/16 }`;
    const port = `conn.port == ${1024 + (Math.floor(index / 32) % 32)}`;
    const size = `hello.size > ${256 + 64 * (index % 16)}B`;
    const cipher = `not hello.ciphers has ${CIPHERS[index % CIPHERS.length]}`;
    return `  deny rule_${index} when ${net} and ${port} and (${size} or ${cipher}) do drop`;
  });
  return `${HEAD}${rules.join('\n')}\n}\n`;
}
