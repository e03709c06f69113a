/** A client of TLS in this process: asks for a page, and says what came of it. */
import { type ConnectionOptions, connect } from 'node:tls';

export interface Attempt {
  /** `served`, the name of the alert that ended it, or `closed` without any. */
  readonly end: string;
  /** What was answered, headers included. */
  readonly body: string;
  /** The last session that the server gave. */
  readonly session: Buffer | null;
  readonly resumed: boolean;
  /** Of the client, as the audit names it. */
  readonly port: number;
}

/** OpenSSL's names of alerts, as they stand in the codes of Node's errors. */
function alertName(code: string): string {
  return code.replace(/^ERR_SSL_.*_ALERT_/, '').toLowerCase();
}

/** @param to The edge's port. */
export function attempt(to: number, servername: string, options: ConnectionOptions = {}): Promise<Attempt> {
  return new Promise((resolve) => {
    let body = '';
    let session: Buffer | null = null;
    let port = 0;
    let resumed = false;
    const target = { port: to, host: '127.0.0.1', servername, rejectUnauthorized: false };
    const tls = connect({ ...target, ...options }, () => {
      resumed = tls.isSessionReused();
      tls.write(`GET / HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`);
    });
    const finish = (end: string): void => {
      resolve({ end, body, session, resumed, port });
      tls.destroy();
    };
    tls.once('connect', () => {
      port = tls.localPort!;
    });
    tls.on('session', (given) => {
      session = given;
    });
    tls.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    tls.on('error', (error: NodeJS.ErrnoException) => finish(alertName(error.code ?? error.message)));
    tls.on('close', () => finish(body.startsWith('HTTP/1.1 200') ? 'served' : 'closed'));
  });
}
