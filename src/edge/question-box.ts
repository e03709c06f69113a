/** Collects what a worker wants to find out, and sends it to the main thread in few messages. */
import type { MessagePort } from 'node:worker_threads';
import type { Question } from '../orchestrator/answers.ts';
import type { ToMain } from './messages.ts';

/** Questions of one message; more are dropped, to be asked when the client comes again. */
const MAX_QUESTIONS = 256;
const FLUSH_MS = 5;

export class QuestionBox {
  readonly #port: MessagePort;
  #questions: Question[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** @param port To the main thread. */
  constructor(port: MessagePort) {
    this.#port = port;
  }

  add(question: Question): void {
    if (this.#questions.length >= MAX_QUESTIONS) return;
    this.#questions.push({ ...question, ip: question.ip.slice() });
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  flush(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    if (this.#questions.length === 0) return;
    const message: ToMain = { type: 'asked', questions: this.#questions };
    this.#questions = [];
    this.#port.postMessage(message);
  }
}
