/** What is known by OCSP of client certificates, on the main thread, for all workers. */
import { partsOf } from '../identity/certificate-parts.ts';
import { OcspClient, type OcspFinding, responders } from '../identity/ocsp-client.ts';
import type { OcspAsked } from './messages.ts';

export class OcspDesk {
  readonly #client = new OcspClient(responders());

  /** Answers a worker, at once where the answer is known. */
  answer({ url, certId, issuer }: OcspAsked): OcspFinding | Promise<OcspFinding> {
    return this.#client.find({ url, certId, issuer: { der: issuer, parts: partsOf(issuer) } }, Date.now());
  }

  /** Questions of workers that were answered from here, and those that responders were asked. */
  get counts(): { readonly hits: number; readonly misses: number } {
    return this.#client.counts;
  }
}
