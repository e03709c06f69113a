/** One request on its way to an upstream, and the response on its way back. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { type Duplex, PassThrough } from 'node:stream';
import type { Dispatcher } from 'undici';
import { failureOf, isBroken, type ProxyFailure, sendFailure, TIMEOUT } from './proxy-error.ts';
import { type ProxyContext, responseFields } from './proxy-headers.ts';

export type ClientRequest = IncomingMessage | Http2ServerRequest;
export type ClientResponse = ServerResponse | Http2ServerResponse;

/** Methods that change nothing, so that a request the upstream dropped may be sent again. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface ExchangeOptions {
  readonly request: ClientRequest;
  readonly response: ClientResponse;
  readonly context: ProxyContext;
  /** Longest wait for a connection to the upstream to be free, in ms. */
  readonly queueTimeout: number;
  /** Sends the request, with this body, and calls the handler. */
  readonly dispatch: (body: PassThrough | null, handler: Dispatcher.DispatchHandler) => void;
  /** Takes over both connections when the upstream switches protocols; null: none was asked for. */
  readonly onUpgrade: ((rawHeaders: readonly Buffer[], upstream: Duplex) => void) | null;
  /** Called once, when nothing more will be sent to the client. */
  readonly onDone: () => void;
}

/** Streams both ways with backpressure; whichever side leaves first ends the other. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  readonly #body: PassThrough | null;
  #controller: Dispatcher.DispatchController | null = null;
  #queueTimer: NodeJS.Timeout | null = null;
  #retried = false;
  #answered = false;
  #done = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { request, response } = options;
    this.#body = hasBody(request) ? new PassThrough() : null;
    response.once('close', () => this.#onClientGone());
    response.on('error', () => {});
    request.on('error', () => {});
  }

  start(): void {
    const { request, queueTimeout } = this.#options;
    if (this.#body) {
      // why: undici destroys the body it was given when it fails, and with a request goes its connection.
      this.#body.on('error', () => {});
      request.pipe(this.#body);
    }
    this.#queueTimer = setTimeout(() => this.#fail(TIMEOUT), queueTimeout);
    this.#options.dispatch(this.#body, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#queueTimer) clearTimeout(this.#queueTimer);
    if (this.#done) controller.abort(new Error('the client left'));
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    _headers: unknown,
    upstream: Duplex,
  ): void {
    const { onUpgrade } = this.#options;
    if (this.#finish() && onUpgrade) onUpgrade(controller.rawHeaders as Buffer[], upstream);
    else upstream.destroy();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _: unknown, message = ''): void {
    if (status < 200 || this.#done) return;
    const { response } = this.#options;
    response.statusCode = status;
    if (!('stream' in response)) response.statusMessage = message;
    for (const [name, value] of responseFields(controller.rawHeaders as Buffer[])) {
      response.setHeader(name, value);
    }
    this.#answered = true;
    // why: the body's first byte can be far off; one that came along is sent together with the head.
    process.nextTick(() => {
      if (!this.#done && !response.headersSent) (response as ServerResponse).flushHeaders();
    });
    response.on('drain', () => controller.resume());
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return;
    if (!(this.#options.response as ServerResponse).write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (!this.#finish()) return;
    this.#options.response.end();
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#done) return;
    const method = this.#options.request.method ?? '';
    // why: an upstream may close an idle connection at the moment we use it (RFC 9112 section 9.3.1).
    if (!this.#answered && !this.#retried && !this.#body && SAFE_METHODS.has(method) && isBroken(error)) {
      this.#retried = true;
      this.#options.dispatch(null, this);
    } else {
      this.#fail(failureOf(error));
    }
  }

  #fail(failure: ProxyFailure): void {
    const { response, context } = this.#options;
    if (!this.#finish()) return;
    context.onError?.(failure.code);
    if (!response.headersSent) sendFailure(response, failure, context.requestId);
    else if ('stream' in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    else response.destroy();
  }

  #onClientGone(): void {
    if (this.#finish()) this.#controller?.abort(new Error('the client left'));
  }

  /** Ends this exchange; false when it has ended before. */
  #finish(): boolean {
    if (this.#done) return false;
    this.#done = true;
    if (this.#queueTimer) clearTimeout(this.#queueTimer);
    const { request, onDone } = this.#options;
    if (this.#body) request.unpipe(this.#body);
    // why: what is left of the body must be read, or the connection's next request is never seen.
    request.resume();
    onDone();
    return true;
  }
}

function hasBody(request: ClientRequest): boolean {
  if ('stream' in request) return !request.stream.endAfterHeaders;
  const { headers } = request;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
