/** What the benchmark works on: a policy of a usual size, feeds, and the ClientHello of this Node. */

import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import { encodeProgram, encodeTables } from '../../core/image.ts';
import { type Bundle, bareBundle } from '../../orchestrator/bundle.ts';
import { compile } from '../../pdl/compile/compile.ts';

const RULES = 100;
/** Four ramps among them. */
const SIGNALS = 16;
const SERVER_NAME = 'shop.example.com';

/** One hundred rules, none of which holds for the sample's hello, and a score of 16 signals. */
function policyText(): string {
  const rules = Array.from({ length: RULES }, (_, i) => {
    const code = 0x1000 + (i % 40);
    const name = `rule_${i} when hello.ciphers has cipher(0x${code.toString(16)})`;
    return `  deny ${name} and count(hello.alpn) == ${i % 3} do drop`;
  });
  const signals = Array.from({ length: SIGNALS - 4 }, (_, i) => {
    return `    signal s${i} +${i + 2} when hello.extensions has ext(0x${(0x3000 + i).toString(16)})`;
  });
  return [
    'pdl 1',
    'import "std/tls" as tls',
    'feed blocklist of cidr from file "blocklist" { }',
    'score risk {',
    '  clamp 0..100',
    '  group shape cap 60 {',
    ...signals,
    '  }',
    '  group size cap 40 {',
    '    signal many_ciphers +0..20 ramp count(hello.ciphers) from 16 to 64',
    '    signal long         +0..20 ramp hello.size from 512B to 4KiB',
    '    signal extensions   +0..20 ramp count(hello.extensions) from 10 to 40',
    '    signal groups       +0..20 ramp count(hello.groups) from 4 to 16',
    '  }',
    '}',
    'policy low  extends tls.intermediate { }',
    'policy high extends tls.modern { action refuse alert access_denied  rank 90 }',
    'site main {',
    '  listen edge  sni any  score risk',
    '  ladder { from 0 use low  from 51 use high }',
    '  on_error use high',
    '  forbid listed when conn.ip in blocklist do drop',
    ...rules,
    '}',
    // Only an address, for the time that a look-up takes.
    'site lookup {',
    '  listen lookup  sni any  score none',
    '  ladder { from 0 use low }',
    '  on_error use high',
    '  forbid listed when conn.ip in blocklist do drop',
    '}',
    'score none { clamp 0..100 }',
  ].join('\n');
}

/** Prefixes of lengths 12 to 24 all over the address space, the same on every machine. */
function prefixes(count: number): string[] {
  let state = 0x9e3779b9;
  return Array.from({ length: count }, () => {
    // why: xorshift32, so that a comparison between machines looks at the same table.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const length = 12 + ((state >>> 3) % 13);
    const network = (state & (-1 << (32 - length))) >>> 0;
    const bytes = [network >>> 24, (network >>> 16) & 255, (network >>> 8) & 255, network & 255];
    return `${bytes.join('.')}/${length}`;
  });
}

/** The policy with a feed of so many prefixes. */
export function sampleBundle(prefixCount: number): Bundle {
  const { program, diagnostics } = compile({ path: 'bench.pdl', text: policyText() }, () => null);
  if (program === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  const { image, imageId } = encodeProgram(program);
  const tables = encodeTables(program, new Map([[0, prefixes(prefixCount)]]));
  return bareBundle({ program, image, imageId, tables });
}

/** What this Node's TLS client sends first; with a post-quantum group where its OpenSSL has one. */
export async function sampleHello(): Promise<Uint8Array> {
  try {
    return await firstBytes({ ecdhCurve: 'X25519MLKEM768:X25519' });
  } catch {
    return firstBytes({});
  }
}

function firstBytes(options: ConnectionOptions): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const wire = new Duplex({
    read: () => {},
    write(chunk: Uint8Array, _encoding, done) {
      resolve(chunk);
      done();
    },
  });
  // Thrown at once when OpenSSL does not know a group.
  const client = connect({
    socket: wire,
    servername: SERVER_NAME,
    ALPNProtocols: ['h2', 'http/1.1'],
    ...options,
  });
  client.on('error', reject);
  return promise.finally(() => {
    client.destroy();
    wire.destroy();
  });
}
