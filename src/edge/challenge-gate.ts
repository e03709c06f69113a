/**
 * Stands between a decided connection and its upstream: a client whose policy poses a challenge gets
 * the page until it has solved it, here or on any other connection that the clearance covers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import {
  MAX_SUBMIT_BYTES,
  ProofOfWork,
  SUBMIT_PATH,
  type SubmitResult,
  wantsHtml,
} from '../challenge/pow.ts';
import type { ClearanceTable } from '../limit/clearance-table.ts';
import type { Bundle } from '../orchestrator/bundle.ts';
import type { Client } from '../orchestrator/client.ts';
import type { History } from '../orchestrator/history.ts';
import type { Challenge } from '../pdl/ir.ts';
import type { Connection } from './connection.ts';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

export class ChallengeGate {
  readonly #history: History;
  readonly #spent: ClearanceTable;
  /** By the challenge of the image it came with, so a connection meets the secret it was challenged under. */
  readonly #solvers = new WeakMap<Challenge, ProofOfWork>();
  #inForce: readonly Challenge[] = [];

  /** @param spent Remembers spent tokens for all workers. */
  constructor(history: History, spent: ClearanceTable) {
    this.#history = history;
    this.#spent = spent;
  }

  /** Prepares the challenges of a bundle. */
  load({ program, secrets }: Bundle): void {
    this.#inForce = program.challenges;
    for (const challenge of program.challenges) {
      const solver = new ProofOfWork({
        name: challenge.name,
        secret: secrets[challenge.secret]!,
        solveWithinMs: challenge.solveWithinMs,
        clearsForMs: challenge.clearsForMs,
        spent: this.#spent,
      });
      this.#solvers.set(challenge, solver);
    }
  }

  /** Must the client still solve the challenge of its policy? Notes a clearance that it shows. */
  needed(connection: Connection, request: Request): boolean {
    const challenge = connection.verdict?.challenge ?? null;
    if (challenge === null) return false;
    const { client, record } = connection;
    const binding = this.#history.binding(challenge, client);
    if (!connection.isCleared()) {
      const { cookie } = request.headers;
      if (!this.#solvers.get(challenge)!.checkCookie(cookie, binding, Date.now())) return true;
      connection.clear(challenge);
    }
    if (record.challenge?.outcome !== 'solved')
      record.challenge = { name: challenge.name, outcome: 'cleared' };
    return false;
  }

  /** Answers with the challenge when one is due; false lets the request pass. */
  intercept(connection: Connection, request: Request, response: Response): boolean {
    if (!this.needed(connection, request)) return false;
    const verdict = connection.verdict!;
    const challenge = verdict.challenge!;
    connection.record.challenge ??= { name: challenge.name, outcome: 'posed' };
    this.#history.count('challenge', connection.client, Date.now());
    const solver = this.#solvers.get(challenge)!;
    const posed = {
      difficulty: verdict.difficulty,
      binding: this.#history.binding(challenge, connection.client),
      nowMs: Date.now(),
      returnTo: request.url ?? '/',
    };
    const page = wantsPage(challenge, request) ? solver.page(posed) : solver.problem(posed);
    respond(response, page.status, page.headers, request.method === 'HEAD' ? '' : page.body);
    // why: a body we will not read must not keep the connection busy.
    request.resume();
    return true;
  }

  /** A request under the edge's own prefix; it never reaches an upstream. */
  handleOwnPath(connection: Connection, path: string, request: Request, response: Response): void {
    const posed = this.#posedTo(connection);
    if (path !== SUBMIT_PATH || posed.length === 0) {
      request.resume();
      respond(response, 404, { 'content-type': 'text/plain; charset=utf-8' }, 'not found\n');
      return;
    }
    if (request.method !== 'POST') {
      request.resume();
      respond(response, 303, { location: '/', 'cache-control': 'no-store' }, '');
      return;
    }
    readBody(request, (body) => {
      if (body === null) respond(response, 413, {}, '');
      else this.#submit(connection, posed, body, response);
    });
  }

  /**
   * The challenges whose answers are taken on a connection: that of its verdict, which may be of an older policy,
   * and those in force, since another request, also of another connection, may have been posed one of them.
   */
  #posedTo({ verdict }: Connection): readonly Challenge[] {
    const own = verdict?.challenge ?? null;
    return own === null ? this.#inForce : [own, ...this.#inForce.filter((other) => other !== own)];
  }

  #submit(connection: Connection, challenges: readonly Challenge[], body: string, response: Response): void {
    const nowMs = Date.now();
    const { record } = connection;
    const { challenge, answer } = this.#judge(connection.client, challenges, body, nowMs);
    if (!answer.ok) {
      record.challenge = { name: challenge.name, outcome: 'failed' };
      this.#history.count('challenge_fail', connection.client, nowMs);
      const problem = { type: 'about:blank', title: 'challenge not solved', status: 403, code: answer.code };
      const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
      respond(response, 403, headers, JSON.stringify(problem));
      return;
    }
    connection.clear(challenge);
    record.challenge = { name: challenge.name, outcome: 'solved' };
    this.#history.solved(connection.client, nowMs);
    const headers = { 'set-cookie': answer.cookie, location: answer.returnTo, 'cache-control': 'no-store' };
    respond(response, 303, headers, '');
  }

  /** Asks each challenge about an answer, since a token tells by its MAC alone whose it is. */
  #judge(
    client: Client,
    challenges: readonly Challenge[],
    body: string,
    nowMs: number,
  ): { readonly challenge: Challenge; readonly answer: SubmitResult } {
    for (const challenge of challenges) {
      const binding = this.#history.binding(challenge, client);
      const answer = this.#solvers.get(challenge)!.handleSubmit(body, binding, nowMs);
      if (answer.ok || answer.code !== 'token_invalid') return { challenge, answer };
    }
    return { challenge: challenges[0]!, answer: { ok: false, code: 'token_invalid' } };
  }
}

/** Whether the client gets a page, rather than what programs read. */
function wantsPage({ deliver }: Challenge, request: Request): boolean {
  if (deliver === undefined) return wantsHtml(request.headers.accept);
  return deliver.includes('page') && (!deliver.includes('header') || wantsHtml(request.headers.accept));
}

function respond(
  response: Response,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  if (response.headersSent || response.writableEnded) return;
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}

/** Calls `done` once: the whole body, or null when it is too long. A client that leaves gets no call. */
function readBody(request: Request, done: (body: string | null) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    if (length > MAX_SUBMIT_BYTES) return;
    length += chunk.length;
    if (length > MAX_SUBMIT_BYTES) done(null);
    else chunks.push(chunk);
  });
  request.on('end', () => {
    if (length <= MAX_SUBMIT_BYTES) done(Buffer.concat(chunks).toString('utf8'));
  });
  request.on('error', () => {});
}
