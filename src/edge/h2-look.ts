/** Looks at what an HTTP/2 client sends before its first request, and puts it back for the session to read. */
import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { type H2Start, h2Text, MAX_START_BYTES, readH2Start } from '../profile/h2.ts';

/** RFC 9113 section 6.9.2. */
const INITIAL_WINDOW = 65_535;

/**
 * Waits for the client's preface, which it must send without waiting for the server's (RFC 9113 section 3.4). Calls
 * `done` once, unless the socket closes before; null: it did not come in time, or is not HTTP/2.
 */
export function lookAtStart(tls: TLSSocket, timeoutMs: number, done: (start: H2Start | null) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const finish = (start: H2Start | null): void => {
    stop();
    if (seen.length > 0) tls.unshift(seen);
    done(start);
  };
  const onReadable = (): void => {
    const chunk: Buffer | null = tls.read();
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const start = readH2Start(seen);
    if (start !== 'more') return finish(start);
    if (seen.length >= MAX_START_BYTES) finish(null);
  };
  const onEnd = (): void => finish(null);
  const timer = setTimeout(onEnd, timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
    tls.off('readable', onReadable);
    tls.off('end', onEnd);
    tls.off('close', stop);
  };
  tls.on('readable', onReadable);
  tls.once('end', onEnd);
  tls.once('close', stop);
}

/** The fingerprint of a session at its first request. */
export function h2Fingerprint(
  start: H2Start,
  rawHeaders: readonly string[],
  session: ServerHttp2Session,
): string {
  if (start.complete || start.windowUpdate !== null) return h2Text(start, rawHeaders);
  // The rest of what precedes the request came in later reads; nghttp2 knows what it added up to.
  const added = (session.state.remoteWindowSize ?? INITIAL_WINDOW) - INITIAL_WINDOW;
  return h2Text({ ...start, windowUpdate: added > 0 ? added : null }, rawHeaders);
}
