/**
 * The decision at a request: what it tells joins the facts of its connection, and the answer may now be another than at
 * the hello. Whatever does not accept ends the whole connection.
 */
import type { ServerHttp2Session } from 'node:http2';
import { FACT } from '../orchestrator/facts.ts';
import { fitsFacts, setClientFacts, setRequestFacts } from '../orchestrator/request-facts.ts';
import { profileRequest } from '../profile/http.ts';
import { MAX_USER_AGENT } from '../profile/user-agent.ts';
import type { Connection } from './connection.ts';
import { h2Fingerprint } from './h2-look.ts';
import type { ClientRequest, ClientResponse } from './http-exchange.ts';
import {
  FORBIDDEN,
  type ProxyFailure,
  REQUEST_TOO_LARGE,
  sendFailure,
  TOO_MANY_REQUESTS,
} from './proxy-error.ts';

/** What a request that may not pass is answered with; null: nothing, the connection is reset or held. */
export type Refusal = { readonly failure: ProxyFailure | null };

/** Decides about a request; null lets it pass. Nothing was sent, and what is not an answer is already done. */
export function refusalOf(connection: Connection, request: ClientRequest): Refusal | null {
  if (!connection.isDecidedAt('request')) {
    connection.countRequest();
    return null;
  }
  const http = profileRequest(request);
  // why: a fact that is left out never makes a rule hold, so a client could hide one by its size.
  if (!fitsFacts(http)) return { failure: REQUEST_TOO_LARGE };
  const record = connection.record.http!;
  const isFirst = record.requests === 1;
  record.userAgent ??= http.userAgent?.slice(0, MAX_USER_AGENT) ?? null;
  const shown = {
    stack: connection.record.stack,
    tlsClient: connection.record.tlsClient,
    h2: h2Of(connection, request),
    intermediary: connection.isIntermediary,
  };
  const { action } = connection.decideAt('request', (core) => {
    setRequestFacts(core, http, isFirst);
    const bot = connection.isVerifiedBot(http.userAgent, request);
    if (bot !== null) core.setNumber(FACT.verifiedBot, Number(bot));
    const { os, tool } = setClientFacts(core, http, shown);
    record.osMismatch = strongest(record.osMismatch, os);
    record.toolMismatch = strongest(record.toolMismatch, tool);
  });
  if (action.action === 'accept') return null;
  connection.turnAwayLate(action);
  if (action.action !== 'refuse') return { failure: null };
  return { failure: connection.verdict?.tier === 'limit' ? TOO_MANY_REQUESTS : FORBIDDEN };
}

/** One request that contradicts is enough. */
function strongest(before: boolean | null, now: boolean | null): boolean | null {
  return before === true ? true : (now ?? before);
}

/** The fingerprint of the connection's HTTP/2; it is made at the first request. */
function h2Of(connection: Connection, request: ClientRequest): string | null {
  const { h2Start } = connection;
  const session = 'stream' in request ? request.stream.session : undefined;
  if (h2Start === null || !session) return null;
  const record = connection.record.http!;
  record.h2 ??= h2Fingerprint(h2Start, request.rawHeaders, session as ServerHttp2Session);
  return record.h2;
}

/** Answers a refused request; the connection is closed after it. */
export function answerRefusal(
  { failure }: Refusal,
  request: ClientRequest,
  response: ClientResponse,
  requestId: string,
): void {
  // why: a body we will not read must not keep the connection busy.
  request.resume();
  if (failure === null) return;
  sendFailure(response, failure, requestId);
  if ('stream' in request) request.stream.session?.close();
}
