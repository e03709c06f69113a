/**
 * The decision at a request: what it tells joins the facts of its connection, and the answer may now be another than at
 * the hello. Whatever does not accept ends the whole connection.
 */
import { fitsFacts, setRequestFacts } from '../orchestrator/request-facts.ts';
import { profileRequest } from '../profile/http.ts';
import type { Connection } from './connection.ts';
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
  const isFirst = connection.record.http!.requests === 1;
  const { action } = connection.decideAt('request', (core) => setRequestFacts(core, http, isFirst));
  if (action.action === 'accept') return null;
  connection.turnAwayLate(action);
  if (action.action !== 'refuse') return { failure: null };
  return { failure: connection.verdict?.tier === 'limit' ? TOO_MANY_REQUESTS : FORBIDDEN };
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
