/**
 * Waits for a ClientHello that had not arrived whole at accept, without taking a byte of it: the kernel
 * keeps the bytes, and neither a buffer nor a Node object is spent on a client that will be turned away.
 */
import { HUNG_UP } from './addon.ts';
import type { DescriptorWatch } from './descriptors.ts';
import type { HelloDone, HelloReaderOptions } from './hello-reader.ts';

/** Looks at whatever comes; after so many a client that sends byte by byte is waited for until it can be done. */
const EAGER_READS = 4;

/** One for all connections of this thread: a peek is parsed before the next one. Grows to the largest limit asked for. */
let scratch: Uint8Array = new Uint8Array(0);

/** As `readHello`, on a descriptor. Returns a function that ends the wait without a call of `done`. */
export function peekHello(
  watch: DescriptorWatch,
  fd: number,
  options: HelloReaderOptions,
  done: HelloDone,
): () => void {
  const limit = options.maxBytes + 1;
  if (scratch.length < limit) scratch = new Uint8Array(limit);
  let seen = options.seen ?? 0;
  let reads = 0;
  let least = 0;

  function cancel(): void {
    clearTimeout(timer);
    watch.cancel(fd);
  }

  function finish(end: Parameters<HelloDone>[0]): void {
    cancel();
    done(end, seen, reads);
  }

  function waitForMore(): void {
    const bytes = Math.min(Math.max(seen + 1, least), limit);
    if (!watch.wait(fd, bytes, onReady)) finish('closed');
  }

  function onReady(events: number): void {
    if (events < 0) return finish('closed');
    const length = watch.addon.peek(fd, scratch.subarray(0, limit));
    if (length <= seen) {
      // why: nothing new and the peer has closed: the rest will never come.
      if (length === 0 || (events & HUNG_UP) !== 0) return finish('closed');
      return waitForMore();
    }
    seen = length;
    reads++;
    if (length > options.maxBytes) return finish('too_large');
    const status = options.parse(scratch, length);
    if (status === 0) finish('complete');
    else if (status < 0) finish(status);
    else if ((events & HUNG_UP) !== 0) finish('closed');
    else {
      if (reads >= EAGER_READS && options.least) least = options.least(scratch, length);
      waitForMore();
    }
  }

  const timer = setTimeout(() => finish('timeout'), options.timeoutMs);
  waitForMore();
  return cancel;
}
