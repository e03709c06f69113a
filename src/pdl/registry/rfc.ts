/** Where the names that policies use are specified. */
import type { FactType } from './facts.gen.ts';
import {
  CIPHER_CODES,
  EXTENSION_CODES,
  GROUP_CODES,
  isTls13Cipher,
  isWeakCipher,
  SIGALG_CODES,
} from './iana.ts';

/** What a registered name is: its code point, its specification and what to know about it. */
export interface Registered {
  readonly registry: string;
  readonly code: number;
  readonly reference: string;
  readonly note: string;
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  server_name: 'RFC 6066 section 3',
  max_fragment_length: 'RFC 6066 section 4',
  status_request: 'RFC 6066 section 8',
  supported_groups: 'RFC 8446 section 4.2.7',
  ec_point_formats: 'RFC 8422 section 5.1.2',
  signature_algorithms: 'RFC 8446 section 4.2.3',
  use_srtp: 'RFC 5764',
  heartbeat: 'RFC 6520',
  application_layer_protocol_negotiation: 'RFC 7301',
  signed_certificate_timestamp: 'RFC 6962 section 3.3.1',
  padding: 'RFC 7685',
  encrypt_then_mac: 'RFC 7366',
  extended_master_secret: 'RFC 7627',
  compress_certificate: 'RFC 8879',
  record_size_limit: 'RFC 8449',
  delegated_credential: 'RFC 9345',
  session_ticket: 'RFC 5077',
  pre_shared_key: 'RFC 8446 section 4.2.11',
  early_data: 'RFC 8446 section 4.2.10',
  supported_versions: 'RFC 8446 section 4.2.1',
  cookie: 'RFC 8446 section 4.2.2',
  psk_key_exchange_modes: 'RFC 8446 section 4.2.9',
  certificate_authorities: 'RFC 8446 section 4.2.4',
  oid_filters: 'RFC 8446 section 4.2.5',
  post_handshake_auth: 'RFC 8446 section 4.2.6',
  signature_algorithms_cert: 'RFC 8446 section 4.2.3',
  key_share: 'RFC 8446 section 4.2.8',
  connection_id: 'RFC 9146',
  quic_transport_parameters: 'RFC 9001 section 8.2',
  ticket_request: 'RFC 9149',
  renegotiation_info: 'RFC 5746',
};

/** Suites by the first pattern that their name fits. */
const CIPHERS: readonly (readonly [RegExp, string])[] = [
  [/_CHACHA20_POLY1305_/, 'RFC 7905'],
  [/_EC(DHE|DH)_.*_GCM_/, 'RFC 5289'],
  [/_ECDHE_ECDSA_WITH_AES_\d+_CCM/, 'RFC 7251'],
  [/_CCM/, 'RFC 6655'],
  [/_ARIA_/, 'RFC 6209'],
  [/_CAMELLIA_.*(GCM|_EC)|_EC.*_CAMELLIA_/, 'RFC 6367'],
  [/_CAMELLIA_/, 'RFC 5932'],
  [/_GCM_/, 'RFC 5288'],
  [/_EC.*_CBC_SHA(256|384)$/, 'RFC 5289'],
  [/_EC/, 'RFC 8422'],
  [/_(SEED)_/, 'RFC 4162'],
  [/_(RC4|DES|IDEA|EXPORT)/, 'RFC 5246 and earlier; RFC 7465 forbids RC4'],
];

/** Facts about the hello, by where the message is specified. */
const FACTS: Readonly<Record<string, string>> = {
  'hello.sni': 'RFC 6066 section 3',
  'hello.alpn': 'RFC 7301',
  'hello.ciphers': 'RFC 8446 section 4.1.2',
  'hello.extensions': 'RFC 8446 section 4.2',
  'hello.versions': 'RFC 8446 section 4.2.1',
  'hello.max_version': 'RFC 8446 section 4.2.1',
  'hello.sigalgs': 'RFC 8446 section 4.2.3',
  'hello.groups': 'RFC 8446 section 4.2.7',
  'hello.key_share_groups': 'RFC 8446 section 4.2.8',
  'hello.psk_modes': 'RFC 8446 section 4.2.9',
  'hello.early_data': 'RFC 8446 section 4.2.10',
  'hello.resumption': 'RFC 8446 section 4.2.11',
  'hello.grease': 'RFC 8701',
};

export function referenceOfFact(name: string): string | null {
  return FACTS[name] ?? null;
}

/** What IANA registers under `name`, in the registry that `type` takes its values from when it is given. */
export function registered(name: string, type: FactType | null = null): Registered | null {
  const is = (candidate: FactType, codes: ReadonlyMap<string, number>): number | undefined =>
    type === null || type === candidate ? codes.get(name) : undefined;
  const cipher = is('cipher', CIPHER_CODES);
  if (cipher !== undefined) return describeCipher(name, cipher);
  const group = is('group', GROUP_CODES);
  if (group !== undefined) {
    return { registry: 'named group', code: group, reference: referenceOfGroup(name), note: '' };
  }
  const sigalg = is('sigalg', SIGALG_CODES);
  if (sigalg !== undefined) {
    return { registry: 'signature scheme', code: sigalg, reference: 'RFC 8446 section 4.2.3', note: '' };
  }
  const extension = is('extension', EXTENSION_CODES);
  if (extension === undefined) return null;
  const reference = EXTENSIONS[name] ?? 'IANA TLS ExtensionType Values';
  return { registry: 'extension', code: extension, reference, note: '' };
}

function describeCipher(name: string, code: number): Registered {
  const reference = isTls13Cipher(code)
    ? 'RFC 8446 appendix B.4'
    : (CIPHERS.find(([pattern]) => pattern.test(name))?.[1] ?? 'RFC 5246 appendix A.5');
  const version = isTls13Cipher(code) ? 'TLS 1.3 only' : 'TLS 1.2 and below';
  const note = isWeakCipher(code)
    ? `${version}; weak: no forward secrecy, CBC mode or a broken algorithm`
    : version;
  return { registry: 'cipher suite', code, reference, note };
}

function referenceOfGroup(name: string): string {
  if (name.startsWith('ffdhe')) return 'RFC 7919';
  if (name.startsWith('brainpool')) return 'RFC 7027';
  if (name.includes('Kyber')) return 'superseded by X25519MLKEM768';
  if (name.includes('MLKEM'))
    return /^MLKEM/.test(name) ? 'draft-ietf-tls-mlkem' : 'draft-ietf-tls-ecdhe-mlkem';
  return 'RFC 8446 section 4.2.7, RFC 8422';
}
