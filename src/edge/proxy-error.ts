/** The edge's own answers in place of an upstream's. */
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';

/** What went wrong between the edge and an upstream, and how the client is told. */
export interface ProxyFailure {
  readonly status: number;
  readonly code: string;
  readonly title: string;
}

const BAD_REQUEST: ProxyFailure = { status: 400, code: 'request_invalid', title: 'Bad request' };
const INVALID: ProxyFailure = { status: 502, code: 'upstream_invalid', title: 'Bad gateway' };
const BROKEN: ProxyFailure = { status: 502, code: 'upstream_broken', title: 'Bad gateway' };
export const UNREACHABLE: ProxyFailure = { status: 502, code: 'upstream_unreachable', title: 'Bad gateway' };
const CLOSED: ProxyFailure = { status: 503, code: 'upstream_closed', title: 'Service unavailable' };

export const TIMEOUT: ProxyFailure = { status: 504, code: 'upstream_timeout', title: 'Gateway timeout' };
export const BUSY: ProxyFailure = { status: 503, code: 'upstream_busy', title: 'Service unavailable' };
export const UPGRADE_REFUSED: ProxyFailure = {
  status: 501,
  code: 'upgrade_unsupported',
  title: 'Not implemented',
};

/** The policy refuses the request. */
export const FORBIDDEN: ProxyFailure = { status: 403, code: 'policy_refused', title: 'Forbidden' };
/** RFC 6585 section 4: over a limit of the policy. */
export const TOO_MANY_REQUESTS: ProxyFailure = {
  status: 429,
  code: 'policy_limited',
  title: 'Too many requests',
};
/** RFC 6585 section 5: larger than what a policy can be asked about. */
export const REQUEST_TOO_LARGE: ProxyFailure = {
  status: 431,
  code: 'request_too_large',
  title: 'Request header fields too large',
};

/** Codes of undici's errors; what is not listed came from connecting. */
const BY_CODE: Readonly<Record<string, ProxyFailure>> = {
  UND_ERR_CONNECT_TIMEOUT: TIMEOUT,
  UND_ERR_HEADERS_TIMEOUT: TIMEOUT,
  UND_ERR_BODY_TIMEOUT: TIMEOUT,
  ETIMEDOUT: TIMEOUT,
  UND_ERR_SOCKET: BROKEN,
  ECONNRESET: BROKEN,
  EPIPE: BROKEN,
  UND_ERR_HEADERS_OVERFLOW: INVALID,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: INVALID,
  ERR_INVALID_CHAR: INVALID,
  ERR_INVALID_HTTP_TOKEN: INVALID,
  ERR_HTTP_INVALID_STATUS_CODE: INVALID,
  UND_ERR_INVALID_ARG: BAD_REQUEST,
  UND_ERR_NOT_SUPPORTED: BAD_REQUEST,
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: BAD_REQUEST,
  UND_ERR_CLOSED: CLOSED,
  UND_ERR_DESTROYED: CLOSED,
};

export function failureOf(error: Error): ProxyFailure {
  if (error.name === 'HTTPParserError') return INVALID;
  const code = 'code' in error ? String(error.code) : '';
  return BY_CODE[code] ?? UNREACHABLE;
}

/** Whether the upstream closed a connection on us before it answered anything. */
export function isBroken(error: Error): boolean {
  return failureOf(error) === BROKEN;
}

/** Answers with an RFC 9457 problem; nothing of a response may have been sent. */
export function sendFailure(
  response: ServerResponse | Http2ServerResponse,
  failure: ProxyFailure,
  requestId: string,
): void {
  const { status, code, title } = failure;
  const body = `${JSON.stringify({ type: 'about:blank', title, status, code, request_id: requestId })}\n`;
  // why: all but whether the connection goes on was of an answer that is not sent.
  for (const name of response.getHeaderNames()) if (name !== 'connection') response.removeHeader(name);
  response.statusCode = status;
  response.setHeader('content-type', 'application/problem+json');
  response.setHeader('cache-control', 'no-store');
  if (status === 503 || status === 429) response.setHeader('retry-after', '1');
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}
