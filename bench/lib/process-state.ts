/** What a process holds, from Linux' /proc. */
import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = 4_096;

export interface ProcessMemory {
  /** Resident memory. */
  readonly rssBytes: number;
  /** Memory of all TCP sockets of the machine, which the kernel counts apart from any process. */
  readonly tcpBytes: number;
}

export interface ProcessState extends ProcessMemory {
  /** Open file descriptors; to count them takes milliseconds when there are thousands. */
  readonly descriptors: number;
}

export function memoryOf(pid: number): ProcessMemory {
  const resident = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  const tcp = /^TCP:.* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'));
  return {
    rssBytes: resident * PAGE_BYTES,
    tcpBytes: Number(tcp?.[1] ?? 0) * PAGE_BYTES,
  };
}

export function stateOf(pid: number): ProcessState {
  return { ...memoryOf(pid), descriptors: readdirSync(`/proc/${pid}/fd`).length };
}
