/** The process log: JSON lines on standard error, apart from the audit log. */
import { destination, type Logger, pino } from 'pino';
import type { LogLevel } from '../config/schema.ts';

/** Times are ISO 8601 and levels names, as in the audit log. */
export function createLog(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination({ fd: 2, sync: true }),
  );
}
