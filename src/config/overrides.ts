/** What flags and `SALLYPORT_*` variables may replace in the file: flags beat variables, variables beat the file. */
import { resolve } from 'node:path';
import type { Override } from './document.ts';

/** Values of the flags that were given, by the name the CLI parses them to. */
export interface Flags {
  readonly policy?: string | undefined;
  readonly p0fDb?: string | undefined;
  readonly clientTable?: string | undefined;
  readonly threads?: string | undefined;
  readonly listen?: string | undefined;
  readonly adminAddress?: string | undefined;
  readonly metricsAddress?: string | undefined;
  readonly auditFile?: string | undefined;
  readonly logLevel?: string | undefined;
}

interface Overridable {
  readonly name: keyof Flags;
  readonly flag: string;
  readonly variable: string;
  readonly path: readonly string[];
  readonly kind: 'text' | 'number' | 'path';
}

/** Every overridable key. `listen` replaces the address of the first listener. */
export const OVERRIDABLE: readonly Overridable[] = [
  { name: 'policy', flag: '--policy', variable: 'SALLYPORT_POLICY', path: ['policy'], kind: 'path' },
  { name: 'p0fDb', flag: '--p0f-db', variable: 'SALLYPORT_P0F_DB', path: ['p0fDb'], kind: 'path' },
  {
    name: 'clientTable',
    flag: '--client-table',
    variable: 'SALLYPORT_CLIENT_TABLE',
    path: ['clientTable'],
    kind: 'path',
  },
  { name: 'threads', flag: '--threads', variable: 'SALLYPORT_THREADS', path: ['threads'], kind: 'number' },
  {
    name: 'listen',
    flag: '--listen',
    variable: 'SALLYPORT_LISTEN',
    path: ['listeners', '0', 'address'],
    kind: 'text',
  },
  {
    name: 'adminAddress',
    flag: '--admin-address',
    variable: 'SALLYPORT_ADMIN_ADDRESS',
    path: ['admin', 'address'],
    kind: 'text',
  },
  {
    name: 'metricsAddress',
    flag: '--metrics-address',
    variable: 'SALLYPORT_METRICS_ADDRESS',
    path: ['metrics', 'address'],
    kind: 'text',
  },
  {
    name: 'auditFile',
    flag: '--audit-file',
    variable: 'SALLYPORT_AUDIT_FILE',
    path: ['audit', 'file'],
    kind: 'path',
  },
  {
    name: 'logLevel',
    flag: '--log-level',
    variable: 'SALLYPORT_LOG_LEVEL',
    path: ['log', 'level'],
    kind: 'text',
  },
];

/** The overrides in force. Relative paths in them are relative to the working directory. */
export function collectOverrides(env: NodeJS.ProcessEnv, flags: Flags): Override[] {
  return OVERRIDABLE.flatMap(({ name, flag, variable, path, kind }) => {
    const fromFlag = flags[name];
    const text = fromFlag ?? env[variable];
    if (text === undefined || text === '') return [];
    return [{ path, value: read(text, kind), origin: fromFlag === undefined ? variable : flag }];
  });
}

function read(text: string, kind: Overridable['kind']): string | number {
  if (kind === 'number' && /^\d{1,9}$/.test(text)) return Number(text);
  return kind === 'path' && text !== '-' ? resolve(text) : text;
}
