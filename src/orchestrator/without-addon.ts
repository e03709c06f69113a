/** What a policy asks for that takes the native addon: said before it is put in force where there is none. */
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';
import type { Program } from '../pdl/ir.ts';
import type { Policy } from '../pdl/ir-policy.ts';

const BUILD = 'build the addon (a C++ compiler and `npm rebuild sallyport`)';

/** @param file Of the policy. */
export function missedWithoutAddon({ policies }: Program, file: string): Diagnostic[] {
  const first = (asks: (policy: Policy) => boolean): string | undefined => policies.find(asks)?.name;
  const found: Diagnostic[] = [];
  const asking = first(({ clientCert }) => clientCert !== undefined);
  if (asking !== undefined) {
    const message = `policy ${asking} asks for client certificates, which takes the native addon, and there is none`;
    const help = `${BUILD}, or write \`client_cert off\``;
    found.push(fileProblem(file, 'HOST-008', message, help));
  }
  const stapling = first(({ tls }) => tls.ocspStapling);
  if (stapling !== undefined) {
    const message = `policy ${stapling} staples OCSP answers, which takes the native addon: nothing is stapled`;
    const help = `${BUILD}, or write \`ocsp_stapling off\``;
    found.push(fileProblem(file, 'HOST-009', message, help, 'warning'));
  }
  return found;
}
