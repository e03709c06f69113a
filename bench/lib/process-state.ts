/** What a process holds, from Linux' /proc. */
import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = 4_096;

export interface ProcessState {
  /** Resident memory. */
  readonly rssBytes: number;
  /** Open file descriptors. */
  readonly descriptors: number;
  /** Memory of all TCP sockets of the machine, which the kernel counts apart from any process. */
  readonly tcpBytes: number;
}

export function stateOf(pid: number): ProcessState {
  const resident = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  const tcp = /^TCP:.* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'));
  return {
    rssBytes: resident * PAGE_BYTES,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    tcpBytes: Number(tcp?.[1] ?? 0) * PAGE_BYTES,
  };
}
