/** A real OCSP responder: `openssl ocsp` over files of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Issued, keyPem } from './pki.ts';
import { until } from './until.ts';

export interface OcspResponder {
  readonly url: string;
  /** Questions it has answered. */
  requests(): number;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One line of an `openssl ca` index. */
function indexLine({ certificate }: Issued, isRevoked: boolean): string {
  const time = (date: Date): string =>
    `${date
      .toISOString()
      .replace(/[-:T]|\.\d+/g, '')
      .slice(2)}`;
  const end = time(certificate.notAfter);
  const serial = certificate.serialNumber.toUpperCase();
  return [
    isRevoked ? 'R' : 'V',
    end,
    isRevoked ? time(new Date(Date.now() - 60_000)) : '',
    serial,
    'unknown',
    // why: the index takes a name of valid certificates once.
    `/CN=${serial}`,
  ].join('\t');
}

export async function startOcspResponder(
  t: TestContext,
  {
    issuer,
    signer,
    valid,
    revoked,
  }: { issuer: Issued; signer: Issued; valid: readonly Issued[]; revoked: readonly Issued[] },
): Promise<OcspResponder> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-ocsp-'));
  const write = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const lines = [
    ...valid.map((each) => indexLine(each, false)),
    ...revoked.map((each) => indexLine(each, true)),
  ];
  // why: openssl tells a pipe of a question only once it has told much.
  const child = spawn('stdbuf', [
    ...['-oL', 'openssl', 'ocsp', '-port', '0', '-ndays', '1'],
    ...['-index', write('index.txt', `${lines.join('\n')}\n`)],
    ...['-CA', write('ca.pem', issuer.pem)],
    ...['-rsigner', write('signer.pem', signer.pem), '-rkey', write('signer-key.pem', await keyPem(signer))],
    ...['-text'],
  ]);
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  }
  t.after(() => {
    child.kill();
    rmSync(directory, { recursive: true });
  });
  // why: a connection that asks nothing would keep the responder waiting for it.
  await until('the responder listens', () => /^ACCEPT .*:\d+/m.test(log));
  const port = /^ACCEPT .*:(\d+)/m.exec(log)![1];
  return {
    url: `http://127.0.0.1:${port}/`,
    requests: () => log.split('OCSP Request Data').length - 1,
    stop: async () => {
      child.kill();
      await once(child, 'exit');
    },
  };
}
