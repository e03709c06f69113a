/** C001: demands on client certificates that no certificate can meet. */
import type { Program, Table } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import { SIGALG_NAMES } from '../registry/iana.ts';
import { both, type Case, caseOf, isImpossible } from './implies.ts';
import type { Subject } from './subject.ts';

const KEY = FACTS.findIndex(({ name }) => name === 'cert.key');
const EMPTY: Case = { yes: [], no: [] };
/** How the signature schemes that a kind of key can make begin. */
const SCHEMES: Readonly<Record<string, string>> = {
  rsa: 'rsa_',
  ec: 'ecdsa_',
  ed25519: 'ed25519',
  ed448: 'ed448',
};

export function checkCertificates({ program, origins, report }: Subject): void {
  for (const policy of program.policies) {
    const demands = origins.demands.get(policy) ?? [];
    let cases: readonly Case[] = [EMPTY];
    for (const [index, { condition, span }] of demands.entries()) {
      const next = cases
        .flatMap((given) => condition.map((cube) => both(given, caseOf(cube, program.atoms))))
        .filter((given) => !isImpossible(given, program.tables))
        .slice(0, 64);
      if (next.length === 0) {
        const message = `no certificate can meet all that policy \`${policy.name}\` demands`;
        report.error('PDL-C001', span, message, 'relax this condition or one before it', {
          label: 'contradicts what is demanded before',
          labels: demands.slice(0, index).map((each) => ({ span: each.span, text: '' })),
          notes: ['every client with a certificate would be turned away'],
        });
        break;
      }
      cases = next;
    }
    checkKeys(program, policy, cases, (message, help) => {
      const span = demands.at(-1)?.span ?? origins.policies.get(policy)?.name.span;
      if (span) report.error('PDL-C001', span, message, help);
    });
  }
}

/** Keys that no allowed signature scheme can sign with. */
function checkKeys(
  { tables }: Program,
  { name, tls, clientCert }: Program['policies'][number],
  cases: readonly Case[],
  say: (message: string, help: string) => void,
): void {
  if (!clientCert || tls.sigalgs.length === 0) return;
  const schemes = tls.sigalgs.map((code) => SIGALG_NAMES.get(code) ?? '');
  const keys = cases.map((given) => keysOf(given, tables));
  if (keys.length === 0 || keys.includes(null)) return;
  const allowed = [...new Set(keys.flatMap((each) => each ?? []))];
  const usable = allowed.some((key) =>
    schemes.some((scheme) => scheme.startsWith(SCHEMES[key.split('_')[0]!]!)),
  );
  if (allowed.length === 0 || usable) return;
  say(
    `policy \`${name}\` demands keys (${allowed.join(', ')}) that none of its \`sigalgs\` can use`,
    'add a signature scheme for these keys, or allow other keys',
  );
}

/** The key types that a case allows; null: any. */
function keysOf(given: Case, tables: readonly Table[]): readonly string[] | null {
  for (const atom of given.yes) {
    if (atom.kind !== 'table' || !('fact' in atom.operand) || atom.operand.fact !== KEY) continue;
    return tables[atom.table]!.members ?? null;
  }
  return null;
}
