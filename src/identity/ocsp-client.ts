/** Asks OCSP responders, and keeps what they say for as long as it is good. */
import { request } from 'undici';
import type { CertificateParts } from './certificate-parts.ts';
import { certIdOf, ocspRequest, readOcspResponse } from './ocsp.ts';

/** What the edge knows of a certificate by OCSP; `reason` says why a status is unknown. */
export interface OcspStatus {
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly reason: string | null;
}

interface Kept extends OcspStatus {
  readonly untilMs: number;
}

export interface OcspClientLimits {
  /** Time for one question, in milliseconds. */
  readonly timeoutMs: number;
  /** Answers kept; the oldest go first. */
  readonly entries: number;
  /** Questions under way at once; certificates beyond them are unknown. */
  readonly questions: number;
}

const OCSP_LIMITS: OcspClientLimits = { timeoutMs: 3_000, entries: 10_000, questions: 64 };
const MAX_RESPONSE_BYTES = 64 * 1024;
/** An answer is asked for again after this, however long it is good. */
const LONGEST_MS = 3_600_000;
/** A responder that gave no answer is left alone for this long. */
const PAUSE_MS = 10_000;

export class OcspClient {
  readonly #limits: OcspClientLimits;
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<OcspStatus>>();

  constructor(limits: OcspClientLimits = OCSP_LIMITS) {
    this.#limits = limits;
  }

  /**
   * The status of a certificate: at once when it is known, else once the responder has answered or had its time.
   * @param issuer The certificate's issuer, as the chain was verified. Never rejects.
   */
  ask(
    url: string,
    certificate: CertificateParts,
    issuer: { readonly der: Uint8Array; readonly parts: CertificateParts },
    nowMs: number,
  ): OcspStatus | Promise<OcspStatus> {
    const certId = certIdOf(certificate, issuer.parts);
    const key = `${url}\0${Buffer.from(certId).toString('latin1')}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && nowMs < kept.untilMs) return kept;
    const asking = this.#asking.get(key);
    if (asking !== undefined) return asking;
    if (this.#asking.size >= this.#limits.questions) {
      return { status: 'unknown', reason: 'too many questions to OCSP responders are under way' };
    }
    const answer = this.#question(url, certId, issuer, nowMs).then((found) => {
      this.#asking.delete(key);
      this.#keep(key, found);
      return found;
    });
    this.#asking.set(key, answer);
    return answer;
  }

  #keep(key: string, found: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, found);
    if (this.#kept.size <= this.#limits.entries) return;
    const [oldest] = this.#kept.keys();
    this.#kept.delete(oldest!);
  }

  async #question(
    url: string,
    certId: Uint8Array,
    issuer: { readonly der: Uint8Array; readonly parts: CertificateParts },
    nowMs: number,
  ): Promise<Kept> {
    try {
      const { statusCode, body } = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' },
        body: Buffer.from(ocspRequest(certId)),
        signal: AbortSignal.timeout(this.#limits.timeoutMs),
      });
      const bytes = await contentOf(body);
      if (statusCode !== 200) throw new Error(`the responder answers with HTTP status ${statusCode}`);
      const { status, untilMs } = readOcspResponse(bytes, certId, issuer, nowMs);
      const reason = status === 'unknown' ? 'the responder does not know the certificate' : null;
      return { status, reason, untilMs: Math.min(untilMs, nowMs + LONGEST_MS) };
    } catch (error) {
      const { message, code, name } = error as NodeJS.ErrnoException;
      const reason = name === 'TimeoutError' ? 'the responder gave no answer in time' : (code ?? message);
      return { status: 'unknown', reason: `OCSP: ${reason}`, untilMs: nowMs + PAUSE_MS };
    }
  }
}

async function contentOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_RESPONSE_BYTES)
      throw new Error(`the response is longer than ${MAX_RESPONSE_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
