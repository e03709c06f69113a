/** Which cores a process may use. */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Keeps a process, with all its threads and those it starts later, to one core. Without a second core it does nothing. */
export function pin(pid: number, core: number): void {
  if (availableParallelism() < 2) return;
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(pid)]);
}
