/** Finds out by OCSP whether certificates are revoked, and keeps what it found for as long as it is good. */
import type { CertificateParts } from './certificate-parts.ts';
import { certIdOf, readOcspResponse } from './ocsp.ts';
import { askResponder } from './ocsp-responder.ts';

/** What the edge knows of a certificate by OCSP; `reason` says why a status is unknown. */
export interface OcspStatus {
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly reason: string | null;
}

/** Until when it may be used, in milliseconds since the epoch. */
export interface OcspFinding extends OcspStatus {
  readonly untilMs: number;
}

/** A certificate's issuer, as the chain was verified. */
export interface OcspIssuer {
  readonly der: Uint8Array;
  readonly parts: CertificateParts;
}

export interface OcspQuestion {
  readonly url: string;
  /** See `certIdOf`. */
  readonly certId: Uint8Array;
  readonly issuer: OcspIssuer;
}

/** Answers a question; never rejects. */
export type OcspSource = (question: OcspQuestion, nowMs: number) => Promise<OcspFinding>;

export interface OcspClientLimits {
  /** Findings kept; the oldest go first. */
  readonly entries: number;
  /** Questions under way at once; certificates beyond them are unknown. */
  readonly questions: number;
}

const OCSP_LIMITS: OcspClientLimits = { entries: 10_000, questions: 256 };
/** Time for one question to a responder. */
export const QUESTION_MS = 3_000;
/** An answer is asked for again after this, however long it is good. */
const LONGEST_MS = 3_600_000;
/** A responder that gave no answer is left alone for this long. */
const PAUSE_MS = 10_000;

/** What is not known, for a while, and why. */
export function notFound(reason: string, nowMs: number): OcspFinding {
  return { status: 'unknown', reason: `OCSP: ${reason}`, untilMs: nowMs + PAUSE_MS };
}

/** Asks responders themselves. @param timeoutMs For one question. */
export function responders(timeoutMs: number = QUESTION_MS): OcspSource {
  return async ({ url, certId, issuer }, nowMs) => {
    try {
      const bytes = await askResponder(url, certId, timeoutMs);
      const { status, untilMs } = readOcspResponse(bytes, certId, issuer, nowMs);
      const reason = status === 'unknown' ? 'the responder does not know the certificate' : null;
      return { status, reason, untilMs: Math.min(untilMs, nowMs + LONGEST_MS) };
    } catch (error) {
      return notFound((error as Error).message, nowMs);
    }
  };
}

export class OcspClient {
  readonly #source: OcspSource;
  readonly #limits: OcspClientLimits;
  readonly #kept = new Map<string, OcspFinding>();
  readonly #asking = new Map<string, Promise<OcspFinding>>();
  /** Certificates that were asked about: those whose status was there, and those that a question was put for. */
  readonly counts = { hits: 0, misses: 0 };

  constructor(source: OcspSource, limits: OcspClientLimits = OCSP_LIMITS) {
    this.#source = source;
    this.#limits = limits;
  }

  /** The status of a certificate: at once when it is known, else once it was found out. Never rejects. */
  ask(
    url: string,
    certificate: CertificateParts,
    issuer: OcspIssuer,
    nowMs: number,
  ): OcspStatus | Promise<OcspStatus> {
    return this.find({ url, certId: certIdOf(certificate, issuer.parts), issuer }, nowMs);
  }

  /** As `ask`, of a question that is made already. */
  find(question: OcspQuestion, nowMs: number): OcspFinding | Promise<OcspFinding> {
    const key = `${question.url}\0${Buffer.from(question.certId).toString('latin1')}`;
    const kept = this.#kept.get(key);
    const known = kept !== undefined && nowMs < kept.untilMs ? kept : this.#asking.get(key);
    if (known !== undefined) {
      this.counts.hits++;
      return known;
    }
    if (this.#asking.size >= this.#limits.questions) {
      const reason = 'too many questions to OCSP responders are under way';
      return { status: 'unknown', reason, untilMs: nowMs };
    }
    this.counts.misses++;
    const answer = this.#source(question, nowMs).then((found) => {
      this.#asking.delete(key);
      this.#keep(key, found);
      return found;
    });
    this.#asking.set(key, answer);
    return answer;
  }

  #keep(key: string, found: OcspFinding): void {
    this.#kept.delete(key);
    this.#kept.set(key, found);
    if (this.#kept.size <= this.#limits.entries) return;
    const [oldest] = this.#kept.keys();
    this.#kept.delete(oldest!);
  }
}
