/** An https server of one list, for feeds. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { makeCertificate } from '../support/certificate.ts';

/** What it answers, which a test changes, and how often it was asked. */
export interface Served {
  status: number;
  body: string | Uint8Array;
  headers: Record<string, string>;
  asked: number;
}

export interface ListServer {
  readonly list: Served;
  readonly url: string;
  /** Path of the certificate it is known by. */
  readonly ca: string;
}

export async function serveList(t: TestContext, body: string): Promise<ListServer> {
  const pair = await makeCertificate({ names: ['localhost'] });
  const list: Served = { status: 200, body, headers: {}, asked: 0 };
  const server = createServer({ cert: pair.certificate, key: pair.key }, (_, response) => {
    list.asked++;
    response.writeHead(list.status, list.headers).end(list.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ca-'));
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, pair.certificate);
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { list, url: `https://localhost:${(server.address() as AddressInfo).port}/list`, ca };
}
