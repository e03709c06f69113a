/** Two byte streams joined: what one receives the other sends, until both have ended. */
import { type Duplex, finished } from 'node:stream';

/** Why a relay ended early. */
export type RelayError = 'client_closed' | 'upstream_closed' | 'idle_timeout';

/**
 * Joins the two with backpressure; the end of one direction leaves the other open. Both are destroyed
 * when either breaks, or after `idleMs` without a byte in either direction.
 * @param onEnd Called once; null when both directions ended in order.
 */
export function relay(
  client: Duplex,
  upstream: Duplex,
  idleMs: number,
  onEnd: (error: RelayError | null) => void,
): void {
  let open = 2;
  const idle = setTimeout(() => stop('idle_timeout'), idleMs);
  const stop = (error: RelayError | null): void => {
    if (open === 0) return;
    open = 0;
    clearTimeout(idle);
    client.destroy();
    upstream.destroy();
    onEnd(error);
  };
  const settle = (code: RelayError) => (error: unknown) => {
    if (error) stop(code);
    else if (open === 1) stop(null);
    else open--;
  };
  const touch = (): void => void idle.refresh();
  finished(client, settle('client_closed'));
  finished(upstream, settle('upstream_closed'));
  // why: finished() stops listening once it has called back, and a late error must not go unheard.
  client.on('error', () => {});
  upstream.on('error', () => {});
  client.on('data', touch);
  upstream.on('data', touch);
  client.pipe(upstream);
  upstream.pipe(client);
}
