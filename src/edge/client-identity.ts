/**
 * The client certificate of one connection: asked for, verified, its revocation looked up, and decided about, before
 * anything of the client reaches a service. What can be known at once is decided inside the handshake; the rest right
 * after it, while the client waits.
 */
import type { TLSSocket } from 'node:tls';
import type { Core } from '../core/core.ts';
import { type ClientCertificate, NO_CERTIFICATE } from '../identity/client-certificate.ts';
import type { RevocationStatus } from '../identity/revocation.ts';
import { type ExtensionAnswer, setCertificateFacts } from '../orchestrator/certificate-facts.ts';
import type { Verdict } from '../orchestrator/verdict.ts';
import type { Verdict as Action, ClientCertificate as Demand } from '../pdl/ir.ts';
import { ALERTS } from '../pdl/registry/iana.ts';
import type { CertificateOffice } from './certificate-office.ts';
import type { VerifiedChain } from './tls-addon.ts';

/** What the connection does with an answer; the code of an alert goes to OpenSSL, 0 lets the handshake go on. */
const GO_ON = 0;
const TLS13 = 0x0304;
export const NO_CERTIFICATE_SHOWN = 'the client showed no certificate';

/** The connection, as far as its certificate matters. */
export interface Identified {
  isDecidedAt(phase: 'cert'): boolean;
  decideAt(phase: 'cert', set: (core: Core) => void): Verdict;
  /** Writes down that the client is refused with an alert, and why. */
  recordRefusal(alert: string, reason: string | null): void;
}

/** How it ended: null lets the client through. */
export type Ending = Exclude<Action, { action: 'accept' }> | null;

export class ClientIdentity {
  certificate: ClientCertificate = NO_CERTIFICATE;
  readonly #office: CertificateOffice;
  readonly demand: Demand;
  readonly isTls12: boolean;
  readonly #connection: Identified;
  /** Was a certificate judged in this handshake? */
  #isJudged = false;
  /** What came with it in this handshake. */
  #answers: readonly ExtensionAnswer[] | null = null;
  #ending: Ending = null;
  #pending: Promise<RevocationStatus> | null = null;

  /** @param version The highest that can be negotiated, as on the wire. */
  constructor(office: CertificateOffice, demand: Demand, connection: Identified, version: number) {
    this.#office = office;
    this.demand = demand;
    this.#connection = connection;
    this.isTls12 = version < TLS13;
  }

  /**
   * Only a chain that needs no certificates of the client can be verified again when its session is resumed, and what it
   * answered beside it is not in the session either.
   */
  get isResumable(): boolean {
    if (this.#answers !== null && this.#answers.length > 0) return false;
    const trusted = this.#office.trustOf(this.demand).flatMap(({ certificates }) => certificates);
    return this.certificate.chain
      .slice(1)
      .every(({ der }) => trusted.some((each) => Buffer.compare(each, der) === 0));
  }

  /** Called from inside OpenSSL: the code of an alert, or 0. */
  judge = (verified: VerifiedChain): number => {
    this.#isJudged = true;
    this.#answers = verified.answers ?? null;
    this.#weigh(this.#office.read(verified, this.demand));
    return this.#ending?.action === 'refuse' ? ALERTS[this.#ending.alert]! : GO_ON;
  };

  /**
   * Called once the handshake is done, outside of OpenSSL: judges a resumed session's certificate, or that there is none,
   * and waits for what is still unknown. `done` gets the answer, at once or later.
   */
  settle(tls: TLSSocket, again: () => VerifiedChain | null, done: (ending: Ending) => void): void {
    if (!this.#isJudged) {
      const verified = tls.isSessionReused() ? again() : null;
      this.#weigh(verified === null ? NO_CERTIFICATE : this.#office.read(verified, this.demand));
    }
    const pending = this.#pending;
    if (pending === null || this.#ending !== null) return done(this.#ending);
    void pending.then((status) => {
      this.#heedRevocation(status);
      done(this.#ending);
    });
  }

  #refuse(alert: string, reason: string | null): void {
    this.#ending = { action: 'refuse', alert };
    this.#connection.recordRefusal(alert, reason);
  }

  #weigh(certificate: ClientCertificate): void {
    this.certificate = certificate;
    const { present, verified, failure, chain } = certificate;
    const { mode, depth, revocation } = this.demand;
    if (mode === 'require' && !present) return this.#refuse('certificate_required', NO_CERTIFICATE_SHOWN);
    if (mode === 'require' && failure !== null) return this.#refuse(failure.alert, failure.reason);
    if (depth !== null && chain.length > depth) {
      return this.#refuse('unknown_ca', `the chain has ${chain.length} certificates; ${depth} is the most`);
    }
    if (verified && revocation !== null) {
      const status = this.#office.revocation(revocation, chain);
      if (status instanceof Promise) this.#pending = status;
      else this.#heedRevocation(status);
    }
    if (this.#ending === null) this.#decide();
  }

  #heedRevocation({ status, reason }: RevocationStatus): void {
    if (status === 'revoked') this.#refuse('certificate_revoked', "the client's certificate is revoked");
    else if (status === 'unknown' && this.demand.revocation?.onUnknown !== 'accept') {
      this.#refuse('certificate_unknown', `nothing is known of a revocation: ${reason}`);
    }
  }

  #decide(): void {
    if (!this.#connection.isDecidedAt('cert')) return;
    const { action, tier, matched } = this.#connection.decideAt('cert', (core) =>
      setCertificateFacts(core, this.certificate, Date.now(), this.#answers),
    );
    if (action.action === 'accept') return;
    this.#ending = action;
    if (action.action !== 'refuse') return;
    this.#connection.recordRefusal(action.alert, tier === 'ensure' ? `not met: ${matched.at(-1)}` : null);
  }
}
