/** An edge that serves every entry of the matrix. */
import type { TestContext } from 'node:test';
import type { Policy } from '../../src/pdl/ir.ts';
import { compileText } from '../pdl/support.ts';
import type { PemPair } from '../support/certificate.ts';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import { startOcspResponder } from '../support/ocsp.ts';
import { authority } from '../support/pki.ts';
import { pairOf, RSA, server } from '../support/server-chain.ts';
import { ENTRIES, hostOf, matrixPolicy } from './entries.ts';

const SERIALS = { ecdsa: '4501', rsa: '4502' };

/** Its certificates, one of ECDSA and one of RSA, are good for every entry, and a responder answers for both. */
export async function startMatrixEdge(t: TestContext): Promise<TestEdge> {
  const hosts = ['*.localhost', ...Object.keys(ENTRIES).map(hostOf)];
  const root = await authority('CN=servers');
  const valid = await Promise.all(Object.values(SERIALS).map((serial) => server(root, { serial })));
  const { url } = await startOcspResponder(t, { issuer: root, signer: root, valid, revoked: [] });
  const issue = async (serial: string, algorithm?: object): Promise<PemPair> =>
    pairOf(
      await server(root, {
        hosts,
        serial,
        responder: url,
        ...(algorithm === undefined ? {} : { algorithm }),
      }),
      root,
    );
  const { pem } = await authority('CN=clients');
  return startTestEdge(t, {
    policy: matrixPolicy(),
    files: { 'clients.pem': pem },
    certificates: { ecdsa: await issue(SERIALS.ecdsa), rsa: await issue(SERIALS.rsa, RSA) },
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
