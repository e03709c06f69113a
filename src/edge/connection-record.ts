/** What the record of a connection is filled with while its client is looked at. */
import { randomUUID } from 'node:crypto';
import { type ConnectionRecord, startRecord } from '../audit/record.ts';
import type { HelloView } from '../core/hello.ts';
import { formatIp } from '../orchestrator/ip.ts';
import type { Arrival } from './connection.ts';
import type { EdgeLoop } from './loop.ts';

/** A record of a connection that was just accepted. */
export function newRecord(loop: EdgeLoop, { facts, listener }: Arrival): ConnectionRecord {
  return startRecord({
    id: randomUUID(),
    listener: listener.config.name,
    worker: loop.worker,
    startedAtMs: facts.nowMs,
    clientIp: formatIp(facts.ip, facts.isV4),
    clientPort: facts.port,
    rttUs: facts.rttUs,
    imageId: loop.engine.bundle.imageId,
    epoch: loop.engine.epoch,
    outcome: 'handshake_aborted',
  });
}

/** What the audit keeps of a ClientHello; the view is of the core's memory, and the next hello's soon. */
export function helloOf(hello: HelloView): NonNullable<ConnectionRecord['hello']> {
  const { bytes, records, sni, alpn, ja3Hash, ja4, maxVersion } = hello;
  return { bytes, records, sni, alpn: [...alpn], ja3Hash, ja4, maxVersion };
}
