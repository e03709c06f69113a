/** Can a handshake succeed with this profile, and is all of it of use? */

import type { Report } from '../diagnostics/diagnostic.ts';
import type { TlsProfile } from '../ir.ts';
import {
  CIPHER_NAMES,
  CIPHERS,
  GROUP_NAMES,
  GROUPS,
  isTls13Cipher,
  isWeakCipher,
  SIGALGS,
} from '../registry/iana.ts';
import type { Name } from '../syntax/ast.ts';

const TLS13 = 0x0304;

export function checkTlsProfile(report: Report, policy: Name, tls: TlsProfile): void {
  const allows13 = tls.maxVersion >= TLS13;
  const allows12 = tls.minVersion < TLS13;
  const for13 = tls.ciphers.filter(isTls13Cipher);
  const for12 = tls.ciphers.filter((code) => !isTls13Cipher(code));
  const usable = (allows13 && for13.length > 0) || (allows12 && for12.length > 0);
  if (!usable || tls.groups.length === 0) {
    const lacking = usable ? 'no group' : 'no cipher suite for the TLS versions it allows';
    const message = `policy \`${policy.text}\` accepts clients but has ${lacking}, so no handshake can finish`;
    report.error('PDL-T001', policy.span, message, 'extend tls.intermediate or tls.modern, or list them');
    return;
  }
  const unserved = [
    ...tls.ciphers.filter((code) => !CIPHERS.has(code)).map((code) => CIPHER_NAMES.get(code) ?? hex(code)),
    ...tls.groups.filter((code) => !GROUPS.has(code)).map((code) => GROUP_NAMES.get(code) ?? hex(code)),
    ...tls.sigalgs.filter((code) => !SIGALGS.has(code)).map(hex),
  ];
  if (unserved.length > 0) {
    const message = `policy \`${policy.text}\` lists what OpenSSL cannot serve: ${unserved.join(', ')}`;
    report.error('PDL-Y020', policy.span, message, 'remove it from the list');
  }
  const dead = allows13 && for13.length === 0 ? 'TLS 1.3' : allows12 && for12.length === 0 ? 'TLS 1.2' : null;
  if (dead !== null) {
    const message = `policy \`${policy.text}\` allows ${dead} but lists no cipher suite for it`;
    report.warning('PDL-T002', policy.span, message, `add a suite, or leave ${dead} out of \`versions\``);
  } else if ((!allows12 && for12.length > 0) || (!allows13 && for13.length > 0)) {
    const idle = (allows12 ? for13 : for12).map((code) => CIPHER_NAMES.get(code) ?? hex(code));
    const message = `policy \`${policy.text}\` lists suites of a TLS version it does not allow: ${idle.join(', ')}`;
    report.warning('PDL-T002', policy.span, message, 'remove them, or widen `versions`');
  }
  const weak = tls.ciphers.filter(isWeakCipher).map((code) => CIPHER_NAMES.get(code) ?? hex(code));
  if (weak.length > 0) {
    const message = `policy \`${policy.text}\` lists weak suites: ${weak.join(', ')}`;
    report.warning('PDL-T003', policy.span, message, 'remove them unless old clients must be served');
  }
}

function hex(code: number): string {
  return `0x${code.toString(16).padStart(4, '0')}`;
}
