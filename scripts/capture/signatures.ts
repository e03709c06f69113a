/**
 * Rows of the table from signatures of browsers in the format of curl-impersonate's `tests/signatures/*.yaml`
 * (github.com/lexiforest/curl-impersonate, MIT): of each, the JA4 of the hello that it describes.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ClientRow } from '../../src/profile/clients.ts';
import { stablePart } from '../../src/profile/stable.ts';

interface Extension {
  readonly type: string;
  readonly alpn_list?: readonly string[];
  readonly sig_hash_algs?: readonly string[];
  readonly supported_versions?: readonly string[];
}

interface BrowserSignature {
  readonly browser: { readonly name: string; readonly version: string; readonly os: string };
  readonly signature: {
    readonly tls_client_hello: {
      readonly ciphersuites: readonly string[];
      readonly extensions: readonly Extension[];
    };
  };
}

/** Every scalar as it is written, so that version 18.0 is not 18. */
const AS_TEXT = { schema: 'failsafe', logLevel: 'silent' } as const;

/** By the format's name: the code point (IANA, TLS ExtensionType Values; ALPS as Chrome numbers it). */
const EXTENSIONS: Readonly<Record<string, number>> = {
  server_name: 0,
  status_request: 5,
  supported_groups: 10,
  ec_point_formats: 11,
  signature_algorithms: 13,
  application_layer_protocol_negotiation: 16,
  signed_certificate_timestamp: 18,
  padding: 21,
  extended_master_secret: 23,
  compress_certificate: 27,
  record_size_limit: 28,
  delegated_credentials: 34,
  session_ticket: 35,
  pre_shared_key: 41,
  supported_versions: 43,
  psk_key_exchange_modes: 45,
  keyshare: 51,
  application_settings: 17513,
  application_settings_new: 17613,
  encrypted_client_hello: 65037,
  renegotiation_info: 65281,
};

/** By the format's name of a browser: the program whose TLS it uses. */
const PROGRAMS: Readonly<Record<string, readonly [name: string, library: string]>> = {
  chrome: ['Chromium', 'BoringSSL'],
  edge: ['Chromium', 'BoringSSL'],
  firefox: ['Firefox', 'NSS'],
  safari: ['Safari', 'Apple'],
  tor: ['Tor Browser', 'NSS'],
};

/** The rows of a directory; a browser that is not known here is left out. @throws Error that names a file that is wrong. */
export function readSignatures(directory: string): readonly ClientRow[] {
  const files = readdirSync(directory).filter((name) => name.endsWith('.yaml'));
  return files.sort().flatMap((file) => {
    try {
      return rowOf(parse(readFileSync(join(directory, file), 'utf8'), AS_TEXT) as BrowserSignature) ?? [];
    } catch (error) {
      throw new Error(`${file}: ${(error as Error).message}`);
    }
  });
}

function rowOf({ browser, signature }: BrowserSignature): ClientRow | null {
  const [name, library] = PROGRAMS[browser.name] ?? [];
  if (name === undefined || library === undefined) return null;
  const { ja4, ja4r } = fingerprint(signature.tls_client_hello);
  const version = browser.version.split('.');
  return {
    ...{ ja4, name, kind: 'browser', library, stable: stablePart(ja4r) },
    // Safari and Tor Browser count by both: 18.0 and 18.4 differ.
    versions: version.slice(0, name === 'Safari' || name === 'Tor Browser' ? 2 : 1).join('.'),
    seen: null,
    source: `JA4 of the ${browser.name} signature of curl-impersonate (MIT)`,
  };
}

function fingerprint(hello: BrowserSignature['signature']['tls_client_hello']): {
  ja4: string;
  ja4r: string;
} {
  const ciphers = hello.ciphersuites.flatMap((code) => (code === 'GREASE' ? [] : [hex(Number(code))])).sort();
  const present = hello.extensions.filter(({ type }) => type !== 'GREASE');
  const codes = present.map(({ type }) => {
    const code = EXTENSIONS[type];
    if (code === undefined) throw new Error(`there is no extension called ${type}`);
    return code;
  });
  const hashed = codes
    .filter((code) => code !== 0 && code !== 16)
    .map(hex)
    .sort();
  // Delegated credentials list algorithms as well.
  const signed = present.find(({ type }) => type === 'signature_algorithms');
  const algorithms = (signed?.sig_hash_algs ?? []).map((code) => hex(Number(code)));
  const version = present.some(({ supported_versions: all }) => all?.includes('TLS_VERSION_1_3'))
    ? '13'
    : '12';
  const [protocol = '00'] = present.flatMap(({ alpn_list: list = [] }) => list);
  const counts = [ciphers, codes].map(({ length }) => String(length).padStart(2, '0')).join('');
  const prefix = `t${version}${codes.includes(0) ? 'd' : 'i'}${counts}${protocol[0]}${protocol.at(-1)}`;
  const lists = `${hashed.join(',')}_${algorithms.join(',')}`;
  return {
    ja4: `${prefix}_${digest(ciphers.join(','))}_${digest(lists)}`,
    ja4r: `${prefix}_${ciphers.join(',')}_${lists}`,
  };
}

const hex = (code: number): string => code.toString(16).padStart(4, '0');
const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);
