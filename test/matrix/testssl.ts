/**
 * What testssl.sh thinks of the standard pack's profiles: `npm run testssl [-- modern intermediate …]`. Prints every
 * finding that is worse than LOW and ends with 1 if there is one. Takes some minutes for each profile. What it
 * says about the certificate (self-made here) and about HTTP headers (the upstream's) is no matter of a profile.
 */

import { startTestEdge } from '../support/edge.ts';
import { Cleanup } from './cleanup.ts';
import { testsslFindings } from './scanners.ts';

const ACCEPTED: ReadonlySet<string> = new Set(['OK', 'INFO', 'LOW', 'DEBUG']);
/** What testssl.sh lacks itself: an openssl with GOST. */
const OWN_PROBLEM = 'engine_problem';
/** Protocols, cipher categories, forward secrecy, preference, vulnerabilities, GREASE. */
const SECTIONS = ['-p', '-s', '-f', '-P', '-U', '-g'];

const profiles = process.argv.length > 2 ? process.argv.slice(2) : ['modern', 'intermediate'];
const policy = `pdl 1
import "std/tls" as tls
score none { clamp 0..100  signal never +1 when hello.size > 16KiB }
${profiles.map((name, i) => `policy ${name} extends tls.${name} { rank ${i + 1} }`).join('\n')}
${profiles
  .map(
    (name) => `site ${name} {
  listen edge  sni { "${name}.test" }  score none  ladder { from 0 use ${name} }  on_error use ${name}
}`,
  )
  .join('\n')}
site other { listen edge  sni any  score none  ladder { from 0 use ${profiles[0]} }  on_error use ${profiles[0]} }
`;

const cleanup = new Cleanup();
const edge = await startTestEdge(cleanup.context, { policy });
let isBad = false;
for (const profile of profiles) {
  const findings = await testsslFindings(`${profile}.test`, edge.port, SECTIONS);
  const bad = findings.filter(({ id, severity }) => !ACCEPTED.has(severity) && id !== OWN_PROBLEM);
  const low = findings.filter(({ severity }) => severity === 'LOW');
  console.log(`${profile}: ${findings.length} findings, ${low.length} LOW, ${bad.length} worse`);
  for (const { id, severity, finding } of [...low, ...bad])
    console.log(`  ${severity.padEnd(8)} ${id}: ${finding}`);
  isBad ||= bad.length > 0 || findings.length < 30;
}
await cleanup.run();
process.exitCode = isBad ? 1 : 0;
