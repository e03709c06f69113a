/**
 * JA3 and JA4 by their specifications, for tests. Citations name the sections of JA4.md
 * (github.com/FoxIO-LLC/ja4, technical_details).
 */
import { hash } from 'node:crypto';
import { type ClientHello, highestVersion } from './client-hello.ts';

export interface Fingerprints {
  readonly ja3: string;
  readonly ja3_hash: string;
  readonly ja3n: string;
  readonly ja3n_hash: string;
  readonly ja4: string;
  readonly ja4_r: string;
  readonly ja4_o: string;
  readonly ja4_ro: string;
}

export function fingerprints(hello: ClientHello): Fingerprints {
  const ja3 = writeJa3(hello, types(hello));
  const ja3n = writeJa3(hello, sorted(types(hello)));
  const a = ja4a(hello);
  const ciphers = hello.ciphers.map(hex);
  const all = types(hello).map(hex);
  // Extension hash: "Ignore the SNI extension (0000) and the ALPN extension (0010)".
  const some = all.filter((type) => type !== '0000' && type !== '0010').sort();
  return {
    ja3,
    ja3_hash: hash('md5', ja3),
    ja3n,
    ja3n_hash: hash('md5', ja3n),
    // Raw Output: "either sorted or original".
    ja4: [a, shortHash(ciphers.toSorted()), extensionHash(some, hello)].join('_'),
    // Extension hash: "If there are no extensions in the sorted extensions list, then the value of JA4_c is set to
    // 000000000000", whichever of the lists is shown.
    ja4_o: [a, shortHash(ciphers), extensionHash(some.length === 0 ? [] : all, hello)].join('_'),
    ja4_r: [a, ciphers.toSorted().join(), ...extensionList(some, hello)].join('_'),
    ja4_ro: [a, ciphers.join(), ...extensionList(all, hello)].join('_'),
  };
}

function types({ extensions }: ClientHello): number[] {
  return extensions.map(({ type }) => type);
}

function sorted(codes: readonly number[]): number[] {
  return codes.toSorted((a, b) => a - b);
}

/** github.com/salesforce/ja3: decimal values, `-` between them, `,` between the five fields. */
function writeJa3(hello: ClientHello, extensions: readonly number[]): string {
  const { legacyVersion, ciphers, groups, pointFormats } = hello;
  return [[legacyVersion], ciphers, extensions, groups, pointFormats].map((list) => list.join('-')).join();
}

function hex(code: number): string {
  return code.toString(16).padStart(4, '0');
}

function ja4a(hello: ClientHello): string {
  // QUIC and DTLS: "If the protocol is QUIC then the first character of the fingerprint is q, if DTLS it is d".
  const protocol = { quic: 'q', dtls: 'd', tls: 't' }[hello.proto];
  // TLS and DTLS Version: "If the extension doesn't exist, then the TLS version is the value of the Protocol Version".
  const version = VERSIONS[highestVersion(hello.proto, hello.versions, hello.legacyVersion)] ?? '00';
  // SNI: "If the SNI extension (0x0000) exists, then the destination of the connection is a domain".
  const sni = types(hello).includes(0) ? 'd' : 'i';
  // Number of Ciphers: "If there's > 99, which there should never be, then output 99".
  const counts = [hello.ciphers, hello.extensions].map(({ length }) =>
    String(Math.min(length, 99)).padStart(2, '0'),
  );
  return [protocol, version, sni, ...counts, alpnEnds(hello.alpn[0])].join('');
}

const VERSIONS: Readonly<Record<number, string>> = {
  772: '13',
  771: '12',
  770: '11',
  769: '10',
  768: 's3',
  2: 's2',
  65279: 'd1',
  65277: 'd2',
  65276: 'd3',
};

/** ALPN Extension Value: the ends of the first value, or of its hexadecimal form when they are not alphanumeric. */
function alpnEnds(first: Buffer | undefined): string {
  if (first === undefined) return '00';
  const text = first.toString('latin1');
  const ends = text.at(0)! + text.at(-1)!;
  if (/^[0-9A-Za-z]{2}$/.test(ends)) return ends;
  const digits = first.toString('hex');
  return digits.at(0)! + digits.at(-1)!;
}

/** Cipher hash: "If there are no ciphers in the sorted cipher list, then the value of JA4_b is set to 000000000000". */
function shortHash(codes: readonly string[], suffix = ''): string {
  return codes.length === 0 ? '000000000000' : hash('sha256', codes.join() + suffix).slice(0, 12);
}

/** Extension hash: "If there are no signature algorithms in the hello packet, then the string ends without an underscore". */
function extensionHash(codes: readonly string[], { sigalgs }: ClientHello): string {
  return shortHash(codes, sigalgs.length === 0 ? '' : `_${sigalgs.map(hex).join()}`);
}

function extensionList(codes: readonly string[], { sigalgs }: ClientHello): string[] {
  return sigalgs.length === 0 ? [codes.join()] : [codes.join(), sigalgs.map(hex).join()];
}
