/** Has the main thread find out by OCSP what a worker wants to know: it asks for all of them, each question once. */
import type { MessagePort } from 'node:worker_threads';
import { notFound, type OcspFinding, type OcspQuestion, QUESTION_MS } from '../identity/ocsp-client.ts';
import type { ToMain } from './messages.ts';

/** A main thread that says nothing for so long will not: it gives up a responder earlier. */
const PATIENCE_MS = 2 * QUESTION_MS;

interface Waiting {
  readonly answer: (found: OcspFinding) => void;
  readonly timer: NodeJS.Timeout;
}

export class OcspBox {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  /** @param port To the main thread. */
  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** An `OcspSource`. */
  ask = ({ url, certId, issuer }: OcspQuestion): Promise<OcspFinding> => {
    const id = ++this.#asked;
    const message: ToMain = { type: 'ocsp', id, url, certId, issuer: issuer.der };
    this.#port.postMessage(message);
    return new Promise((answer) => {
      const giveUp = (): void =>
        this.settle(id, notFound('the main thread gave no answer in time', Date.now()));
      this.#waiting.set(id, { answer, timer: setTimeout(giveUp, PATIENCE_MS).unref() });
    });
  };

  /** Takes the answer to a question; one that was given up is left alone. */
  settle(id: number, found: OcspFinding): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    waiting.answer(found);
  }
}
