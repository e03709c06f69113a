/** The facts of the phase `request`. */
import type { Core } from '../core/core.ts';
import type { HttpProfile } from '../profile/http.ts';
import { factIndex } from './facts.ts';

const HTTP = {
  method: factIndex('http.method'),
  host: factIndex('http.host'),
  path: factIndex('http.path'),
  version: factIndex('http.version'),
  userAgent: factIndex('http.user_agent'),
  headers: factIndex('http.headers'),
  contentLength: factIndex('http.content_length'),
  first: factIndex('http.first'),
  cookies: factIndex('http.cookies'),
} as const;

/** Most bytes of a request that facts are made of; more than that cannot be decided about. */
export const MAX_REQUEST_FACT_BYTES: number = 24 * 1024;

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
  core.setNumber(HTTP.first, first ? 1 : 0);
  core.setNumber(HTTP.cookies, http.cookies);
  if (http.host !== null) core.setText(HTTP.host, http.host);
  if (http.userAgent !== null) core.setText(HTTP.userAgent, http.userAgent);
  if (http.contentLength !== null) core.setNumber(HTTP.contentLength, http.contentLength);
}
