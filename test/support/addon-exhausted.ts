/**
 * A process short of descriptors: keeps each connection until one had to be dropped, then closes them all.
 * Prints the port, then `dropped`, then `recovered` at the next accepted connection.
 */
import { loadAddon } from '../../src/edge/addon.ts';

const { addon } = loadAddon();
const fd = addon!.listen({
  host: '127.0.0.1',
  port: 0,
  backlog: 128,
  reusePort: false,
  saveSyn: false,
  deferAcceptSeconds: 0,
});
const kept: number[] = [];
let exhausted = false;
addon!.accept(
  fd,
  { batch: 8, peekBytes: 64 },
  (batch) => {
    if (exhausted && batch.count > 0) console.log('recovered');
    for (let index = 0; index < batch.count; index++) kept.push(batch.take(index));
    if (batch.dropped === 0 || exhausted) return;
    exhausted = true;
    for (const held of kept.splice(0)) addon!.close(held);
    console.log('dropped');
  },
  (error) => {
    throw error;
  },
);
console.log(addon!.boundPort(fd));
