/** What one loop needs to judge client certificates: the trust and revocation lists in force, and what it remembers. */
import { prepareAttributes } from '../identity/attributes.ts';
import { CertificateReader, type ChainLink, type ClientCertificate } from '../identity/client-certificate.ts';
import { OcspClient, type OcspSource } from '../identity/ocsp-client.ts';
import { Revocation, type RevocationStatus } from '../identity/revocation.ts';
import type { Trust } from '../identity/trust.ts';
import type { Bundle } from '../orchestrator/bundle.ts';
import type { ClientCertificate as Demand } from '../pdl/ir.ts';
import type { OpenSsl } from './openssl.ts';
import type { VerifiedChain } from './tls-addon.ts';

export class CertificateOffice {
  readonly #openssl: OpenSsl;
  readonly #reader = new CertificateReader();
  readonly #ocsp: OcspClient;
  #trust: readonly Trust[] = [];
  #revocation: Revocation;

  constructor(openssl: OpenSsl, ocsp: OcspSource) {
    this.#openssl = openssl;
    this.#ocsp = new OcspClient(ocsp);
    this.#revocation = new Revocation({}, this.#ocsp);
  }

  /** Certificates whose status was asked for by OCSP and known here. */
  get ocspHits(): number {
    return this.#ocsp.counts.hits;
  }

  /** @throws Error when a policy asks for what cannot be done here. */
  check({ program }: Bundle): void {
    const asking = program.policies.find(({ clientCert }) => clientCert !== undefined);
    if (asking === undefined) return;
    if (!this.#openssl.canJudge) {
      throw new Error(`policy ${asking.name} asks for client certificates, which needs the native addon`);
    }
    prepareAttributes();
  }

  /** Takes over the lists of a policy that was checked. */
  load({ trust }: Bundle): void {
    this.#trust = trust.authorities;
    this.#revocation = new Revocation(trust.crls, this.#ocsp);
  }

  read({ error, chain }: VerifiedChain, demand: Demand): ClientCertificate {
    const text = error === 0 ? '' : this.#openssl.verifyErrorText(error);
    return this.#reader.read(error, text, chain, this.trustOf(demand));
  }

  /** The trust lists that a policy names. */
  trustOf(demand: Demand): readonly Trust[] {
    return demand.trust.map((index) => this.#trust[index]!);
  }

  revocation(
    demand: NonNullable<Demand['revocation']>,
    chain: readonly ChainLink[],
  ): RevocationStatus | Promise<RevocationStatus> {
    return this.#revocation.check(demand, chain, Date.now());
  }
}
