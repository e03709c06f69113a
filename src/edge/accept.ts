/**
 * Where connections come from with the addon: it accepts in batches from a socket that the main thread
 * owns, and looks at each client before JavaScript hears of it.
 */
import type { AcceptedBatch } from './accepted-batch.ts';
import type { DescriptorWatch } from './descriptors.ts';
import type { EdgeLoop, ListenerState } from './loop.ts';
import { DescriptorTransport } from './transport.ts';

/** Connections taken in one turn of the event loop. */
const BATCH = 64;
/** Bytes peeked at accept; a longer hello is looked at again. */
const PEEK_BYTES = 4_096;
/** Out of descriptors or memory: the wait before accepting is tried again. */
const RETRY_MS = 100;

export interface Source {
  /** Takes no further connection; a listening socket of the main thread stays open. */
  stop(): void;
}

/**
 * Accepts from `fd`, which from here on belongs to the acceptor.
 * @param onNotice told what went wrong with accepting as a whole, such as too many open files.
 * @throws the system error when the descriptor cannot be watched.
 */
export function acceptFrom(
  watch: DescriptorWatch,
  fd: number,
  loop: EdgeLoop,
  listener: ListenerState,
  onNotice: (message: string) => void,
): Source {
  let retry: NodeJS.Timeout | null = null;

  function take(batch: AcceptedBatch, index: number): void {
    const offset = batch.helloOffset(index);
    const length = batch.helloLength(index);
    loop.accept({
      listener,
      facts: {
        listener: listener.config.name,
        ip: batch.peerIp(index),
        isV4: batch.peerIsV4(index),
        port: batch.peerPort(index),
        syn: batch.syn(index),
        rttUs: batch.rttUs(index),
        proxied: false,
        nowMs: Date.now(),
        inflight: loop.open,
      },
      transport: new DescriptorTransport(watch, batch.take(index)),
      peeked: length > 0 ? batch.hellos.subarray(offset, offset + length) : null,
    });
  }

  const acceptor = watch.addon.accept(
    fd,
    { batch: BATCH, peekBytes: PEEK_BYTES },
    (batch) => {
      for (let index = 0; index < batch.count; index++) take(batch, index);
      if (batch.dropped > 0) onNotice(`${batch.dropped} connections were reset: no file descriptor was left`);
    },
    (error) => {
      onNotice(`accepting paused for ${RETRY_MS} ms: ${error.message}`);
      retry = setTimeout(() => acceptor.resume(), RETRY_MS);
    },
  );
  return {
    stop(): void {
      clearTimeout(retry ?? undefined);
      acceptor.close();
    },
  };
}
