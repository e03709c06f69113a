/** CPU time of other processes, from Linux' /proc. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
/** Positions after the command's closing parenthesis, proc_pid_stat(5): fields 4, 14 and 15. */
const FIELD = { parent: 1, user: 11, system: 12 } as const;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[FIELD.user]) + Number(fields[FIELD.system]);
    return { pid, parent: Number(fields[FIELD.parent]), ticks };
  } catch {
    return null;
  }
}

/** Microseconds of CPU (user and system) that a process, its threads and its descendants have used. */
export function cpuMicros(root: number): number {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? []);
  const tree = new Set([root]);
  for (let grown = true; grown; ) {
    const before = tree.size;
    for (const { pid, parent } of all) if (tree.has(parent)) tree.add(pid);
    grown = tree.size > before;
  }
  const ticks = all.reduce((sum, stat) => sum + (tree.has(stat.pid) ? stat.ticks : 0), 0);
  return (ticks * 1e6) / TICKS_PER_SECOND;
}
