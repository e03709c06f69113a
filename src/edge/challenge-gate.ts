/**
 * Stands between a decided connection and its upstream: a client whose policy poses a challenge gets
 * the page until it has solved it, here or on any other connection that the clearance covers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { ProofOfWork } from '../challenge/pow.ts';
import type { Bundle } from '../orchestrator/bundle.ts';
import type { History } from '../orchestrator/history.ts';
import type { Challenge } from '../pdl/ir.ts';
import type { Connection } from './connection.ts';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** Where a solution is sent. */
export const CHALLENGE_PATH = '/.well-known/sallyport/challenge';

/** A solution is a token and a number; more is not read. */
const MAX_BODY_BYTES = 4_096;

export class ChallengeGate {
  readonly #history: History;
  /** By the challenge of the image it came with, so a connection meets the secret it was challenged under. */
  readonly #solvers = new WeakMap<Challenge, ProofOfWork>();

  constructor(history: History) {
    this.#history = history;
  }

  /** Prepares the challenges of a bundle. */
  load({ program, secrets }: Bundle): void {
    for (const challenge of program.challenges) {
      const solver = new ProofOfWork({
        name: challenge.name,
        secret: secrets[challenge.secret]!,
        solveWithinMs: challenge.solveWithinMs,
        clearsForMs: challenge.clearsForMs,
      });
      this.#solvers.set(challenge, solver);
    }
  }

  /** Must the client still solve the challenge of its policy? Notes a clearance that it shows. */
  needed(connection: Connection, request: Request): boolean {
    const challenge = connection.verdict?.challenge ?? null;
    if (challenge === null || connection.cleared) return false;
    const nowMs = Date.now();
    const { client, binding, record } = connection;
    const shown = this.#solvers.get(challenge)!.checkCookie(request.headers.cookie, binding, nowMs);
    if (!shown && !connection.isCleared()) return true;
    if (shown) this.#history.clear(challenge, client, nowMs);
    connection.cleared = true;
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
    const page = this.#solvers.get(challenge)!.page({
      difficulty: verdict.difficulty,
      binding: connection.binding,
      nowMs: Date.now(),
      returnTo: request.url ?? '/',
      accept: request.headers.accept,
    });
    respond(response, page.status, page.headers, request.method === 'HEAD' ? '' : page.body);
    // why: a body we will not read must not keep the connection busy.
    request.resume();
    return true;
  }

  /** A request under the edge's own prefix; it never reaches an upstream. */
  handleOwnPath(connection: Connection, path: string, request: Request, response: Response): void {
    const challenge = connection.verdict?.challenge ?? null;
    if (path !== CHALLENGE_PATH || challenge === null) {
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
      if (body === null) respond(response, 413, { connection: 'close' }, '');
      else this.#submit(connection, challenge, body, response);
    });
  }

  #submit(connection: Connection, challenge: Challenge, body: string, response: Response): void {
    const nowMs = Date.now();
    const { client, binding, record } = connection;
    const answer = this.#solvers.get(challenge)!.handleSubmit(body, binding, nowMs);
    if (!answer.ok) {
      record.challenge = { name: challenge.name, outcome: 'failed' };
      this.#history.count('challenge_fail', client, nowMs);
      const problem = { type: 'about:blank', title: 'challenge not solved', status: 403, code: answer.code };
      const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
      respond(response, 403, headers, JSON.stringify(problem));
      return;
    }
    connection.cleared = true;
    record.challenge = { name: challenge.name, outcome: 'solved' };
    this.#history.clear(challenge, client, nowMs);
    const headers = { 'set-cookie': answer.cookie, location: answer.returnTo, 'cache-control': 'no-store' };
    respond(response, 303, headers, '');
  }
}

function respond(
  response: Response,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  if (response.headersSent || response.writableEnded) return;
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  response.end(body);
}

/** Calls `done` once: the whole body, or null when it is too long. A client that leaves gets no call. */
function readBody(request: Request, done: (body: string | null) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    if (length > MAX_BODY_BYTES) return;
    length += chunk.length;
    if (length > MAX_BODY_BYTES) done(null);
    else chunks.push(chunk);
  });
  request.on('end', () => {
    if (length <= MAX_BODY_BYTES) done(Buffer.concat(chunks).toString('utf8'));
  });
  request.on('error', () => {});
}
