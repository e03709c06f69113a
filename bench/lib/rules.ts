/** A policy of as many rules as wanted, of the kinds that policies are made of; no ordinary client meets one. */
import { compile } from '../../src/pdl/compile/compile.ts';
import type { Program } from '../../src/pdl/ir.ts';

const CIPHERS = ['TLS_RSA_WITH_RC4_128_SHA', 'TLS_RSA_WITH_NULL_SHA', 'TLS_RSA_WITH_3DES_EDE_CBC_SHA'];

/** The condition of rule `i`; two rules in three have two tests. */
function condition(i: number): string {
  switch (i % 5) {
    case 0:
      return `conn.ip in { 198.51.100.${i}, 203.0.113.${i}/32 } and hello.size > ${i * 100}B`;
    case 1:
      return `hello.ja4 in { "t13d${1000 + i}h2_8daaf6152771_02713d6af862" }`;
    case 2:
      return `hello.sni in { "host-${i}.example", "*.zone-${i}.example" } and conn.port < 1024`;
    case 3:
      return `count(hello.ciphers) in ${60 + i}..${61 + i} or hello.ciphers has ${CIPHERS[i % 3]} and not hello.grease`;
    default:
      return `hello.max_version < tls1.3 and count(hello.extensions) < ${i % 8} and unknown hello.sni`;
  }
}

/** 16 signals in three groups. */
function signal(i: number): string {
  if (i % 4 === 3)
    return `signal s${i} +0..${10 + i} ramp count(hello.extensions) from ${20 + i} to ${40 + i}`;
  return `signal s${i} +${5 + i} when ${i % 2 === 0 ? 'hello.pq' : 'not hello.grease'} and hello.size > ${i * 200}B`;
}

const block = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `    ${signal(from + i)}`).join('\n');

/**
 * @param declarations What stands before the rules, such as feeds. @param more Rules beyond the counted ones.
 * @throws Error when the policy does not compile.
 */
export function programWithRules(count: number, declarations = '', more: readonly string[] = []): Program {
  const rules = Array.from({ length: count }, (_, i) => `  deny r${i} when ${condition(i)} do drop`);
  const text = `pdl 1
import "std/tls" as tls
${declarations}
score risk {
  clamp 0..100
  group a cap 60 {
${block(0, 6)}
  }
  group b cap 50 {
${block(6, 11)}
  }
${block(11, 16)}
}
ruleset hygiene {
${[...rules, ...more].join('\n')}
}
policy low extends tls.intermediate { }
policy high extends tls.modern { action refuse alert access_denied  rank 90 }
site all {
  listen edge
  sni any
  score risk
  rules [ hygiene ]
  ladder { from 0 use low  from 91 use high }
  on_error use low
}
`;
  const { program, diagnostics } = compile({ path: 'bench.pdl', text }, () => null);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (program === null || errors.length > 0) {
    throw new Error(errors.map(({ line, message }) => `bench.pdl:${line}: ${message}`).join('\n'));
  }
  return program;
}
