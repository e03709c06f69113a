/** An edge that serves every entry of the matrix. */
import type { TestContext } from 'node:test';
import type { Policy } from '../../src/pdl/ir.ts';
import { compileText } from '../pdl/support.ts';
import { makeCertificate } from '../support/certificate.ts';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import { authority } from '../support/pki.ts';
import { ENTRIES, hostOf, matrixPolicy } from './entries.ts';

/** Its certificates, one of ECDSA and one of RSA, are good for every entry. */
export async function startMatrixEdge(t: TestContext): Promise<TestEdge> {
  const names = ['*.localhost', ...Object.keys(ENTRIES).map(hostOf)];
  const rsa = await makeCertificate({ names, kind: 'rsa' });
  const ecdsa = await makeCertificate({ names });
  const { pem } = await authority('CN=clients');
  return startTestEdge(t, {
    policy: matrixPolicy(),
    files: { 'clients.pem': pem },
    certificates: { rsa, ecdsa },
    listener: { certificates: ['ecdsa', 'rsa'] },
  });
}

/** The policy of each entry, as the language compiles it. */
export function compiledEntries(): ReadonlyMap<string, Policy> {
  const { program, diagnostics } = compileText(matrixPolicy());
  if (program === null) throw new Error(JSON.stringify(diagnostics, null, 1));
  return new Map(
    Object.keys(ENTRIES).map((name, i) => [name, program.policies.find((p) => p.name === `p${i}`)!]),
  );
}
