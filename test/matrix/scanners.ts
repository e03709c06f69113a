/** What scanners say of a server: sslscan's XML and testssl.sh's JSON, in one form. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CIPHERS, GROUP_CODES } from '../../src/pdl/registry/iana.ts';
import { run } from '../support/tools.ts';

/** Suites and groups as code points. */
export interface View {
  /** Versions of TLS that were negotiated: `1.2`, `1.3`, or older ones. */
  readonly versions: readonly string[];
  /** By version, the suites that the server takes, in the order in which it chooses them; or the scanner's own order. */
  readonly suites: Readonly<Record<string, readonly number[]>>;
  /** Of all groups that the scanner knows, those that the server takes, in ascending order; null: it could not tell. */
  readonly groups: readonly number[] | null;
  /** Does the server choose by its own order? Null: the scanner does not say. */
  readonly serverOrder: boolean | null;
  /** Null: the scanner does not say. */
  readonly alpn: readonly string[] | null;
}

export interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

const PATIENCE_MS = 900_000;

export function ascending(codes: readonly number[]): number[] {
  return codes.toSorted((a, b) => a - b);
}

function attributesOf(tag: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!]),
  );
}

/** What sslscan sees; it tries suites one after the other, and offers no protocol by ALPN. */
export async function sslscan(host: string, port: number): Promise<View> {
  const { stdout } = await run('sslscan', [
    ...[
      '--no-check-certificate',
      '--no-heartbleed',
      '--no-renegotiation',
      '--no-fallback',
      '--no-compression',
    ],
    ...['--no-cipher-details', `--sni-name=${host}`, '--xml=-', `127.0.0.1:${port}`],
  ]);
  const elements = (tag: string): Readonly<Record<string, string>>[] =>
    [...stdout.matchAll(new RegExp(`<${tag} [^>]*>`, 'g'))].map(([text]) => attributesOf(text));
  const protocols = elements('protocol');
  if (protocols.length === 0) throw new Error(`sslscan says nothing of ${host}: ${stdout}`);
  const versions = protocols
    .filter(({ type, enabled }) => type === 'tls' && enabled === '1')
    .map(({ version }) => version!);
  const suites = elements('cipher');
  const suitesOf = (version: string): number[] =>
    suites.filter(({ sslversion }) => sslversion === `TLSv${version}`).map(({ id }) => Number(id));
  const groups = elements('group').map(({ id }) => Number(id));
  return {
    versions,
    suites: Object.fromEntries(versions.map((version) => [version, suitesOf(version)])),
    groups: ascending([...new Set(groups)]),
    serverOrder: null,
    alpn: null,
  };
}

/** All that testssl.sh finds in the sections that its flags name. */
export async function testsslFindings(
  host: string,
  port: number,
  sections: readonly string[],
): Promise<readonly Finding[]> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-testssl-'));
  const file = join(directory, 'findings.json');
  const options = ['--ip', '127.0.0.1', '--nodns', 'none', '--warnings', 'off', '--jsonfile', file];
  await run('testssl', [...options, ...sections, `${host}:${port}`], '', PATIENCE_MS);
  const findings = JSON.parse(readFileSync(file, 'utf8')) as readonly Finding[];
  rmSync(directory, { recursive: true });
  return findings;
}

/** OpenSSL's names, and the older ones that testssl.sh writes. */
const CODES_BY_OPENSSL: ReadonlyMap<string, number> = new Map(
  [...CIPHERS].map(([code, name]) => [name, code]),
);
const CURVES: ReadonlyMap<string, number> = new Map([
  ...[...GROUP_CODES].map(([name, code]) => [name.toLowerCase(), code] as const),
  ['prime256v1', GROUP_CODES.get('secp256r1')!],
]);
const VERSION_IDS: readonly (readonly [id: string, version: string])[] = [
  ['TLS1', '1.0'],
  ['TLS1_1', '1.1'],
  ['TLS1_2', '1.2'],
  ['TLS1_3', '1.3'],
];

function codesOf(names: ReadonlyMap<string, number>, text: string): number[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const code = names.get(word) ?? names.get(word.toLowerCase());
      if (code === undefined) throw new Error(`testssl.sh names ${word}, which nobody here knows`);
      return code;
    });
}

/** Protocols, preference, and forward secrecy, which has the groups. */
const SECTIONS = ['-p', '-P', '-f'];

/** @param sections Of these; each takes its time. */
export async function testssl(
  host: string,
  port: number,
  sections: readonly string[] = SECTIONS,
): Promise<View> {
  const findings = await testsslFindings(host, port, sections);
  const texts = new Map(findings.map(({ id, finding }) => [id, finding]));
  const versions = VERSION_IDS.filter(([id]) => texts.get(id)?.startsWith('offered')).map(([, name]) => name);
  const taken = codesOf(CODES_BY_OPENSSL, texts.get('PFS_ciphers') ?? '');
  const suitesOf = (version: string): number[] => {
    const ordered = texts.get(`cipherorder_TLSv${version.replace('.', '_')}`);
    if (ordered !== undefined) return codesOf(CODES_BY_OPENSSL, ordered);
    return ascending(taken.filter((code) => (code >> 8 === 0x13) === (version === '1.3')));
  };
  const curves = texts.get('PFS_ECDHE_curves');
  return {
    versions,
    suites: Object.fromEntries(versions.map((version) => [version, suitesOf(version)])),
    groups: curves === undefined ? null : ascending(codesOf(CURVES, curves)),
    // why: of a server of TLS 1.3 alone it says that there is no order, whatever the server does.
    serverOrder: versions.includes('1.2') ? texts.get('cipher_order') === 'server' : null,
    alpn: [texts.get('ALPN_HTTP2'), texts.get('ALPN')]
      .flatMap((text) => text?.split(/[ ,]+/) ?? [])
      .filter((protocol) => LISTED.has(protocol)),
  };
}

const LISTED: ReadonlySet<string> = new Set(['h2', 'http/1.1']);
