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
/** One site for every name and none: testssl.sh looks at renegotiation without a name. */
function policyOf(profile: string): string {
  return `pdl 1
import "std/tls" as tls
score none { clamp 0..100 }
policy only extends tls.${profile} { }
site all { listen edge  sni any  score none  ladder { from 0 use only }  on_error use only }
`;
}

let isBad = false;
for (const profile of profiles) {
  const cleanup = new Cleanup();
  const edge = await startTestEdge(cleanup.context, { policy: policyOf(profile) });
  const findings = await testsslFindings('localhost', edge.port, SECTIONS);
  await cleanup.run();
  const bad = findings.filter(({ id, severity }) => !ACCEPTED.has(severity) && id !== OWN_PROBLEM);
  const low = findings.filter(({ severity }) => severity === 'LOW');
  console.log(`${profile}: ${findings.length} findings, ${low.length} LOW, ${bad.length} worse`);
  for (const { id, severity, finding } of [...low, ...bad])
    console.log(`  ${severity.padEnd(8)} ${id}: ${finding}`);
  isBad ||= bad.length > 0 || findings.length < 30;
}
process.exitCode = isBad ? 1 : 0;
