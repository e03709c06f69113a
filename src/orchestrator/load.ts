/** `sys.load`: how busy the machine is, read from the system at most once a second. */
import { availableParallelism, loadavg } from 'node:os';

const REFRESH_MS = 1_000;
const CORES = availableParallelism();

let value = 0;
let readAtMs = Number.NEGATIVE_INFINITY;

/** Load average of the last minute as a share of the cores, in percent × 10,000. */
export function systemLoad(nowMs: number): number {
  if (nowMs - readAtMs >= REFRESH_MS) {
    value = Math.round((loadavg()[0]! / CORES) * 1_000_000);
    readAtMs = nowMs;
  }
  return value;
}
