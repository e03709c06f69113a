/** A connection whose TLS the edge does not end: joins the client with the upstream that does. */
import type { Socket } from 'node:net';
import type { Connection } from './connection.ts';
import type { EdgeLoop } from './loop.ts';
import { passThrough } from './passthrough.ts';
import { summaryOf } from './tcp-service.ts';
import type { Transport } from './transport.ts';

/** @returns what ends it at once; null: the client was refused, and the connection is over. */
export function passConnection(
  connection: Connection,
  loop: EdgeLoop,
  transport: Transport,
  name: string,
): (() => void) | null {
  const { record, verdict, idleMs } = connection;
  const upstream = loop.config.upstreams[name];
  record.upstream = name;
  if (upstream?.protocol !== 'tcp') {
    record.error = `there is no TCP upstream ${name}`;
    connection.refuseBytes('upstream_failed', 'internal_error');
    return null;
  }
  // why: the check of the policy rules this out beforehand; if it does not, nobody gets around the challenge.
  if (verdict!.challenge !== null) {
    record.error = 'the policy demands a challenge, which TLS that passes through cannot carry';
    connection.refuseBytes('refused', 'access_denied');
    return null;
  }
  let client: Socket | null = null;
  record.outcome = 'client_closed';
  return passThrough({
    transport,
    upstream,
    client: summaryOf(connection),
    idleMs: Math.min(idleMs ?? upstream.idleTimeout, upstream.idleTimeout),
    onJoined: (socket) => {
      client = socket;
      loop.adopted(connection.slot);
      record.outcome = 'passed_through';
    },
    onEnd: (error) => {
      record.bytesIn = client?.bytesRead ?? 0;
      record.bytesOut = client?.bytesWritten ?? 0;
      if (error?.startsWith('upstream_')) connection.end('upstream_failed', error);
      else connection.end(error === 'idle_timeout' ? 'idle_timeout' : record.outcome, null);
    },
  });
}
