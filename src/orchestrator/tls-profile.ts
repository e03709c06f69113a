/**
 * Turns a policy's TLS profile into an OpenSSL context. One context per (policy, certificate), made
 * once and kept: a connection that started under a policy keeps its context until it ends.
 */
import { constants, createHash, hkdfSync } from 'node:crypto';
import type { SecureContext, SecureContextOptions, SecureVersion } from 'node:tls';
import type { Trust } from '../identity/trust.ts';
import type { Policy } from '../pdl/ir.ts';
import { CIPHERS, GROUPS, SIGALGS } from '../pdl/registry/iana.ts';

export interface Certificate {
  readonly name: string;
  /** PEM chain, leaf first. */
  readonly cert: string;
  /** PEM private key. */
  readonly key: string;
  /** Lower-case DNS names and `*.` wildcards of the leaf. */
  readonly names: readonly string[];
}

const VERSIONS: Readonly<Record<number, SecureVersion>> = {
  769: 'TLSv1',
  770: 'TLSv1.1',
  771: 'TLSv1.2',
  772: 'TLSv1.3',
};

/**
 * Makes a context; `tickets` false: it must issue none, in no version; `puzzles`: they can be posed in it; `depth`: of the
 * chains of client certificates.
 */
export type ContextMaker = (
  options: SecureContextOptions,
  tickets: boolean,
  puzzles: boolean,
  depth?: number | null,
) => SecureContext;

/** Bytes that OpenSSL takes as a ticket key: name 16, HMAC 16, AES 16. */
const TICKET_KEY_BYTES = 48;

/**
 * Ticket keys bound to the policy, its TLS profile and whom it trusts, so that a ticket issued under one policy
 * never resumes under another. `master` is 32 random bytes shared by all workers of the process.
 */
function ticketKeys(master: Uint8Array, policy: Policy, trusted: readonly Trust[]): Buffer {
  const bound = JSON.stringify([policy.tls, policy.clientCert ?? null, trustDigest(trusted)]);
  const info = `sallyport ticket v1\0${policy.name}\0${bound}`;
  return Buffer.from(hkdfSync('sha256', master, '', info, TICKET_KEY_BYTES));
}

/** Tells trust lists apart. */
function trustDigest(trusted: readonly Trust[]): string {
  const hash = createHash('sha256');
  for (const { certificates } of trusted) for (const der of certificates) hash.update(der);
  return hash.digest('base64');
}

function pem(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;
}

/** Whom clients' certificates must come from; an intermediate that is trusted by itself is enough. */
function trustOptions(trusted: readonly Trust[]): SecureContextOptions {
  const ca = trusted.flatMap(({ certificates }) => certificates.map(pem));
  return { ca, allowPartialTrustChain: true };
}

function opensslNames(table: ReadonlyMap<number, string>, codes: readonly number[]): string {
  return codes.flatMap((code) => table.get(code) ?? []).join(':');
}

/** The options of a policy's context. `floor` is the lowest version any policy may offer, as on the wire; `trusted` is whom
 * clients' certificates must come from, where the policy asks for them. */
export function contextOptions(
  policy: Policy,
  certificate: Certificate,
  master: Uint8Array,
  floor: number,
  trusted: readonly Trust[] = [],
): SecureContextOptions {
  const { tls } = policy;
  const sigalgs = opensslNames(SIGALGS, tls.sigalgs);
  // why: renegotiation is off and early data is never accepted, whatever a policy says (a floor).
  const secureOptions = constants.SSL_OP_NO_RENEGOTIATION | (tls.tickets ? 0 : constants.SSL_OP_NO_TICKET);
  return {
    cert: certificate.cert,
    key: certificate.key,
    minVersion: VERSIONS[Math.max(tls.minVersion, floor)]!,
    maxVersion: VERSIONS[Math.max(tls.maxVersion, floor)]!,
    ciphers: opensslNames(CIPHERS, tls.ciphers),
    ecdhCurve: opensslNames(GROUPS, tls.groups),
    ...(sigalgs === '' ? {} : { sigalgs }),
    honorCipherOrder: tls.prefer === 'server',
    secureOptions,
    sessionIdContext: policy.name.slice(0, 32),
    ticketKeys: ticketKeys(master, policy, trusted),
    ...(policy.clientCert === undefined ? {} : trustOptions(trusted)),
  };
}

/** The certificate whose names cover `sni`, else the listener's first. */
export function chooseCertificate(certificates: readonly Certificate[], sni: string | null): Certificate {
  if (sni !== null) {
    const parent = `*${sni.slice(sni.indexOf('.'))}`;
    for (const candidate of certificates) {
      if (candidate.names.includes(sni)) return candidate;
    }
    for (const candidate of certificates) {
      if (candidate.names.includes(parent)) return candidate;
    }
  }
  return certificates[0]!;
}

/** The contexts of one policy image; dropped as a whole when the image's last connection ends. */
export class ContextPool {
  readonly #contexts = new Map<string, SecureContext>();
  readonly #make: ContextMaker;
  readonly #master: Uint8Array;
  readonly #floor: number;
  /** By index in `Program.cas`. */
  readonly #trust: readonly Trust[];

  constructor(make: ContextMaker, master: Uint8Array, floor: number, trust: readonly Trust[] = []) {
    this.#make = make;
    this.#master = master;
    this.#floor = floor;
    this.#trust = trust;
  }

  /**
   * @param puzzles For handshakes that a puzzle is posed in; all others never see what that takes.
   * @throws when OpenSSL takes none of the profile's names, which the policy check rules out beforehand.
   */
  for(policy: Policy, certificate: Certificate, puzzles = false): SecureContext {
    const id = `${policy.name}\0${certificate.name}\0${puzzles}`;
    let context = this.#contexts.get(id);
    if (!context) {
      const { clientCert } = policy;
      const trusted = (clientCert?.trust ?? []).map((index) => this.#trust[index]!);
      const options = contextOptions(policy, certificate, this.#master, this.#floor, trusted);
      context = this.#make(options, policy.tls.tickets, puzzles, clientCert?.depth);
      this.#contexts.set(id, context);
    }
    return context;
  }
}
