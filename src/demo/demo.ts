/**
 * `sallyport run --demo`: everything the edge needs, made under `.sallyport/` of the working directory.
 * The configuration is written at every start; the policy, the feeds and the keys are made once and
 * then belong to whoever tries them out.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { formatAddress } from '../config/address.ts';
import type { Address, Config } from '../config/schema.ts';
import { ensureCertificates } from './certificates.ts';
import { readOrWrite, writePrivate, writePublic } from './files.ts';
import { startDemoUpstream } from './upstream.ts';

export interface PreparedDemo {
  readonly configFile: string;
  /** What to print once the edge serves at `bound`. */
  instructions(config: Config, bound: Address): string;
  /** Stops the demo's upstream. */
  close(): Promise<void>;
}

/** The address that the demo's blocklist holds. */
const LISTED = '127.0.0.2';
/** JA4 of the `openssl s_client` command in the instructions, with OpenSSL 3. */
const TOOL_JA4 = 't12i020600_6d4732649639_d0212ebfd738';

/** Makes what is missing in `directory`/.sallyport and starts the upstream. */
export async function prepareDemo(directory: string): Promise<PreparedDemo> {
  const home = join(directory, '.sallyport');
  mkdirSync(join(home, 'feeds'), { recursive: true, mode: 0o700 });
  const certificates = await ensureCertificates(home, Date.now());
  const key = readOrWrite(
    join(home, 'puzzle.key'),
    () => `${randomBytes(32).toString('base64url')}\n`,
    writePrivate,
  );
  process.env.SALLYPORT_PUZZLE_KEY ??= key.trim();
  readOrWrite(join(home, 'feeds', 'blocklist.txt'), () => `# Addresses with a bad name.\n${LISTED}/32\n`);
  readOrWrite(
    join(home, 'feeds', 'tool-ja4.txt'),
    () => `# TLS fingerprints (JA4) of tools.\n${TOOL_JA4}   # openssl s_client as the demo calls it\n`,
  );
  readOrWrite(join(home, 'policy.pdl'), () =>
    readFileSync(new URL('../../policies/three-tiers.pdl', import.meta.url), 'utf8'),
  );
  const upstream = await startDemoUpstream();
  const configFile = join(home, 'sallyport.yaml');
  writePublic(configFile, configText(upstream.port));
  return {
    configFile,
    instructions: (config, bound) =>
      instructions(config, bound, relative(directory, certificates.ca), relative(directory, home)),
    close: () => upstream.close(),
  };
}

function configText(upstreamPort: number): string {
  return `# Written by \`sallyport run --demo\` at every start.
version: 1
policy: policy.pdl
listeners:
  - { name: edge, address: "127.0.0.1:8443", certificates: [default], upstream: app }
certificates:
  default: { certificate: localhost.pem, key: localhost-key.pem }
upstreams:
  app: { protocol: http, url: "http://127.0.0.1:${upstreamPort}" }
admin: { address: "127.0.0.1:9443", tokenFile: admin.token }
metrics: { address: "127.0.0.1:9090" }
audit: { file: audit.jsonl }
`;
}

function instructions(config: Config, address: Address, ca: string, home: string): string {
  const url = `https://localhost:${address.port}/`;
  const curl = `curl --cacert ${ca}`;
  const openssl =
    `openssl s_client -connect ${formatAddress(address)} -bind ${LISTED} -noservername -tls1_2` +
    ' -cipher ECDHE-ECDSA-AES128-GCM-SHA256 -sigalgs ECDSA+SHA256 -groups P-256 </dev/null';
  const lines = [
    `Sallyport serves https://${formatAddress(address)}/ with the policy ${join(home, 'policy.pdl')}.`,
    '',
    'Three clients, three decisions (in another terminal):',
    '',
    '  low: served',
    `    ${curl} ${url}`,
    `  medium: ${LISTED} is on the blocklist, so it gets a puzzle (a browser would get a page that solves it)`,
    `    ${curl} --interface ${LISTED} ${url}`,
    '  high: listed, and its ClientHello is a known tool: refused before any TLS work',
    `    ${openssl}`,
    '',
    `Every connection leaves a line in ${join(home, 'audit.jsonl')}.`,
  ];
  if (config.metrics) lines.push(`Metrics: http://${formatAddress(config.metrics.address)}/metrics`);
  lines.push(`Change the policy, and have it read again with: kill -HUP ${process.pid}`);
  return `${lines.join('\n')}\n\nCtrl-C stops it.\n`;
}
