/** Can a handshake succeed with this profile, and is all of it of use? */

import type { Label, Report } from '../diagnostics/diagnostic.ts';
import type { Span, TlsProfile } from '../ir.ts';
import { CIPHER_NAMES, GROUP_NAMES, isTls13Cipher, isWeakCipher, SIGALG_NAMES } from '../registry/iana.ts';
import type { Target } from '../registry/target.ts';
import type { Name, PolicyNode } from '../syntax/ast.ts';
import { warn } from './subject.ts';

const TLS13 = 0x0304;

/** Where an entry of `tls` stands, and its values alone. */
export interface TlsPlace {
  readonly entry: Span;
  readonly values: Span;
}

/** `places`: where the entries that hold were written, by key. */
export function checkTlsProfile(
  report: Report,
  node: PolicyNode,
  tls: TlsProfile,
  places: ReadonlyMap<string, TlsPlace>,
  target: Target,
): void {
  const { name: policy, annotations } = node;
  const allows13 = tls.maxVersion >= TLS13;
  const allows12 = tls.minVersion < TLS13;
  const for13 = tls.ciphers.filter(isTls13Cipher);
  const for12 = tls.ciphers.filter((code) => !isTls13Cipher(code));
  const usable = (allows13 && for13.length > 0) || (allows12 && for12.length > 0);
  if (!usable && tls.ciphers.length > 0) {
    reportDeadEnd(report, policy, allows13, places);
    return;
  }
  if (!usable || tls.groups.length === 0) {
    const lacking = usable ? 'no group' : 'no cipher suite';
    const message = `policy \`${policy.text}\` can never finish a handshake`;
    report.error('PDL-T001', policy.span, message, 'extend tls.intermediate or tls.modern, or list them', {
      label: `accepts clients, but has ${lacking}`,
      notes: [REFUSED],
    });
    return;
  }
  reportUnserved(report, node, tls, target);
  const dead = allows13 && for13.length === 0 ? 'TLS 1.3' : allows12 && for12.length === 0 ? 'TLS 1.2' : null;
  if (dead !== null) {
    const message = `policy \`${policy.text}\` allows ${dead} but lists no cipher suite for it`;
    report.warning('PDL-T002', policy.span, message, `add a suite, or leave ${dead} out of \`versions\``);
  } else if ((!allows12 && for12.length > 0) || (!allows13 && for13.length > 0)) {
    const idle = (allows12 ? for13 : for12).map((code) => CIPHER_NAMES.get(code) ?? hex(code));
    const message = `policy \`${policy.text}\` lists suites of a TLS version it does not allow: ${idle.join(', ')}`;
    report.warning('PDL-T002', policy.span, message, 'remove them, or widen `versions`');
  }
  const weak = [
    ...tls.ciphers.filter(isWeakCipher).map((code) => CIPHER_NAMES.get(code) ?? hex(code)),
    ...tls.sigalgs.map((code) => SIGALG_NAMES.get(code) ?? '').filter((name) => name.endsWith('_sha1')),
  ];
  if (weak.length > 0) {
    const message = `policy \`${policy.text}\` lists what is weak: ${weak.join(', ')}`;
    warn(report, 'PDL-T003', annotations, {
      span: policy.span,
      message,
      help: 'remove them unless old clients must be served',
      details: { canBeIntended: true },
    });
  }
}

/** Names that are registered and that the target cannot serve, each at its place if the policy itself lists it. */
function reportUnserved(report: Report, node: PolicyNode, tls: TlsProfile, target: Target): void {
  const lists = [
    ['ciphers', tls.ciphers, target.ciphers, CIPHER_NAMES],
    ['groups', tls.groups, target.groups, GROUP_NAMES],
    ['sigalgs', tls.sigalgs, target.sigalgs, SIGALG_NAMES],
  ] as const;
  for (const [key, listed, served, names] of lists) {
    for (const code of listed) {
      if (served.has(code)) continue;
      const name = names.get(code) ?? hex(code);
      const values = node.sections.flatMap((section) =>
        section.kind === 'tls'
          ? section.entries.filter((entry) => entry.key === key).flatMap((entry) => entry.values)
          : [],
      );
      const place = values.find(({ text }) => text === name)?.span ?? node.name.span;
      const message = `\`${name}\` in policy \`${node.name.text}\` cannot be served`;
      report.error('PDL-Y020', place, message, 'remove it from the list', {
        notes: [`this was checked against ${target.name}`],
      });
    }
  }
}

const REFUSED = 'clients would see alert handshake_failure(40) on every connection';

/** Suites of one version of TLS under a range that allows only the other. */
function reportDeadEnd(
  report: Report,
  policy: Name,
  is13: boolean,
  places: ReadonlyMap<string, TlsPlace>,
): void {
  const [allowed, listed] = is13 ? ['1.3', '1.2'] : ['1.2', '1.3'];
  const suite = is13 ? 'TLS_AES_128_GCM_SHA256' : 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256';
  const ciphers = places.get('ciphers');
  const versions = places.get('versions');
  const labels: Label[] = [];
  if (versions) labels.push({ span: versions.values, text: `only TLS ${allowed} is allowed …` });
  if (ciphers) {
    const text = `… but every suite listed is for TLS ${listed}`;
    labels.push({ span: ciphers.values, text, isSubject: true });
  }
  const earliest = [versions?.entry, ciphers?.entry]
    .filter((span) => span?.file === policy.span.file)
    .sort((a, b) => a!.line - b!.line || a!.column - b!.column)[0];
  const message = `policy \`${policy.text}\` can never finish a handshake`;
  const { file, line, column } = ciphers?.values ?? policy.span;
  const start = { file, line, column, endLine: line, endColumn: column };
  report.error('PDL-T001', earliest ?? policy.span, message, `add ${suite}, or widen \`versions\``, {
    labels,
    notes: [REFUSED],
    fixes: ciphers
      ? [{ kind: 'safe', title: `add ${suite}`, edits: [{ span: start, text: `${suite}, ` }] }]
      : [],
  });
}

function hex(code: number): string {
  return `0x${code.toString(16).padStart(4, '0')}`;
}
