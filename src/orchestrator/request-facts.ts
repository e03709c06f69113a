/** The facts of the phase `request`. */
import type { Core } from '../core/core.ts';
import type { ClientMatch } from '../profile/client-matcher.ts';
import type { HttpProfile } from '../profile/http.ts';
import { judgeSystem, judgeTool } from '../profile/mismatch.ts';
import type { StackMatch } from '../profile/stack-matcher.ts';
import { parseUserAgent } from '../profile/user-agent.ts';
import { FACT, factIndex } from './facts.ts';

const HTTP = {
  method: factIndex('http.method'),
  host: factIndex('http.host'),
  path: factIndex('http.path'),
  version: factIndex('http.version'),
  userAgent: factIndex('http.user_agent'),
  headers: factIndex('http.headers'),
  headerOrder: factIndex('http.header_order'),
  h2: factIndex('http.h2'),
  contentLength: factIndex('http.content_length'),
  first: factIndex('http.first'),
  cookies: factIndex('http.cookies'),
} as const;
/** The fact that costs a look at the connection's first bytes. */
export const H2_FACT: number = HTTP.h2;
const CLIENT = {
  osMismatch: factIndex('client.os_mismatch'),
  toolMismatch: factIndex('client.tool_mismatch'),
} as const;

/** What the connection of a request showed before it. */
export interface ShownBefore {
  readonly stack: StackMatch | null;
  readonly tlsClient: ClientMatch | null;
  /** HTTP/2 fingerprint; null for HTTP/1.1 and when it was not looked at. */
  readonly h2: string | null;
  /** It comes from a proxy that the operator declared: SYN and ClientHello are not the client's own. */
  readonly intermediary: boolean;
}

/** What the User-Agent's contradictions come to; null: they cannot be told. */
export interface Mismatches {
  readonly os: boolean | null;
  readonly tool: boolean | null;
}

/** Most bytes of a request that facts are made of; more than that cannot be decided about. */
const MAX_REQUEST_FACT_BYTES: number = 24 * 1024;

/** Is the request small enough for all of its facts to be known? */
export function fitsFacts(http: HttpProfile): boolean {
  const { host, path, userAgent, headers } = http;
  let bytes = Buffer.byteLength(path) + Buffer.byteLength(userAgent ?? '') + (host?.length ?? 0);
  for (const name of headers) bytes += name.length + 1;
  return bytes <= MAX_REQUEST_FACT_BYTES;
}

/** Gives the core what a request tells. @param first Is it the first of its connection? */
export function setRequestFacts(core: Core, http: HttpProfile, first: boolean): void {
  core.setText(HTTP.method, http.method);
  core.setText(HTTP.path, http.path);
  core.setText(HTTP.version, http.version);
  core.setStrings(HTTP.headers, http.headers);
  core.setText(HTTP.headerOrder, http.headerOrder);
  core.setNumber(HTTP.first, first ? 1 : 0);
  core.setNumber(HTTP.cookies, http.cookies);
  if (http.host !== null) core.setText(HTTP.host, http.host);
  if (http.userAgent !== null) core.setText(HTTP.userAgent, http.userAgent);
  if (http.contentLength !== null) core.setNumber(HTTP.contentLength, http.contentLength);
}

/** Gives the core what the request and its connection tell together. */
export function setClientFacts(core: Core, { userAgent }: HttpProfile, shown: ShownBefore): Mismatches {
  if (shown.h2 !== null) core.setText(HTTP.h2, shown.h2);
  const proxied = shown.intermediary || core.readNumber(FACT.proxied) === 1;
  if (proxied || userAgent === null) return { os: null, tool: null };
  const agent = parseUserAgent(userAgent);
  const os = judgeSystem(shown.stack, agent).mismatch;
  const tool = judgeTool(shown.tlsClient, agent).mismatch;
  if (os !== null) core.setNumber(CLIENT.osMismatch, Number(os));
  if (tool !== null) core.setNumber(CLIENT.toolMismatch, Number(tool));
  return { os, tool };
}
