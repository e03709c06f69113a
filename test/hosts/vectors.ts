/**
 * Writes what every embedding host is tested with: `npm run vectors` compiles the examples' policy anew and
 * has the library answer the vectors; `npm run vectors -- --capture` first takes the clients' bytes anew,
 * from those that are installed here.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Core, type Decision, FORMS, PROTOS, TIERS } from '../../src/core/core.ts';
import * as L from '../../src/core/layout.gen.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { isViolation } from '../../src/core/status.ts';
import type { Bundle } from '../../src/orchestrator/bundle.ts';
import { compilePolicyFile } from '../../src/orchestrator/compile-policy.ts';
import { FACT } from '../../src/orchestrator/facts.ts';
import { parseIp } from '../../src/orchestrator/ip.ts';
import { type Capture, captureClients } from './capture.ts';
import { hostileHellos, hostileSyns } from './hostile.ts';

const EMBED = fileURLToPath(new URL('../../examples/embed/', import.meta.url));
export const VECTORS: string = `${EMBED}vectors.tsv`;
export const EXPECTED: string = `${EMBED}expected.jsonl`;
export const POLICY: string = `${EMBED}policy/policy.pdl`;

/** Blocked, partner's, and other addresses of both families, in turn. */
const ADDRESSES = [
  ...['203.0.113.7', '198.51.100.9', '192.0.2.1', '203.0.113.99', '2001:db8:bad::1', '2001:db8:a::7'],
  ...['2001:db8:c::1', '198.51.100.255', '192.0.2.16'],
];

interface Vector {
  readonly name: string;
  readonly form: number;
  readonly proto: number;
  readonly ip: string;
  readonly syn: Uint8Array;
  readonly hello: Uint8Array;
}

const hex = (bytes: Uint8Array): string => (bytes.length === 0 ? '-' : Buffer.from(bytes).toString('hex'));
const unhex = (text: string): Uint8Array => (text === '-' ? new Uint8Array() : Buffer.from(text, 'hex'));

function addressBytes(text: string): { readonly ip: Uint8Array; readonly isV4: boolean } {
  const parsed = parseIp(text);
  if (parsed === null) throw new Error(`${text} is not an address`);
  return parsed;
}

function arrange(captures: readonly Capture[]): Vector[] {
  const plain = captures.map((capture) => ({ form: L.FORM_RECORDS, proto: L.PROTO_TLS, ...capture }));
  const hello = captures.find(({ name }) => name === 'openssl-default')!;
  const hostile = hostileHellos(hello.hello).map((entry) => ({ syn: hello.syn, ...entry }));
  const syns = hostileSyns(hello.syn).map((entry) => ({
    ...{ form: L.FORM_RECORDS, proto: L.PROTO_TLS, hello: hello.hello },
    ...entry,
  }));
  return [...plain, ...hostile, ...syns].map((entry, index) => ({
    ...entry,
    ip: ADDRESSES[index % ADDRESSES.length]!,
  }));
}

function writeVectors(vectors: readonly Vector[]): void {
  const lines = vectors.map(({ name, form, proto, ip, syn, hello }) => {
    const address = addressBytes(ip);
    const bytes = address.isV4 ? address.ip.subarray(12) : address.ip;
    return [name, form, proto, hex(bytes), hex(syn), hex(hello)].join('\t');
  });
  const note =
    '# Written by `npm run vectors -- --capture`. All bytes in hex; form and proto by their numbers.';
  writeFileSync(VECTORS, `${[note, '# name\tform\tproto\tip\tsyn\thello', ...lines].join('\n')}\n`);
}

/** The examples' policy, compiled. @throws Error with its diagnostics. */
export function compileExample(): Bundle {
  const { bundle, diagnostics } = compilePolicyFile({ path: POLICY, host: null, purpose: 'serve', env: {} });
  if (bundle === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return bundle;
}

/** Names for the numbers in an answer, and where the ladder's rungs begin. */
function legend({ program }: Bundle): object {
  const site = program.sites[0]!;
  const score = program.scores[site.score]!;
  return {
    site: site.name,
    tiers: TIERS,
    policies: program.policies.map(({ name, verdict }) => ({ name, ...verdict })),
    rules: program.rules.map(({ name, outcome }) => ({ name, ...outcome })),
    signals: score.signals.map(({ name, group }) => ({
      name,
      group: group === null ? null : score.groups[group]!.name,
    })),
    ladder: site.ladder,
    clamp: [score.min, score.max],
  };
}

/** What the generated files must hold, by path. */
export function generated(): ReadonlyMap<string, Uint8Array> {
  const bundle = compileExample();
  const names = `${JSON.stringify(legend(bundle), null, 2)}\n`;
  return new Map([
    [`${EMBED}policy/policy.image`, bundle.image],
    [`${EMBED}policy/policy.tables`, bundle.tables],
    [`${EMBED}policy/names.gen.json`, Buffer.from(names)],
    [EXPECTED, Buffer.from(answerAll(bundle, readFileSync(VECTORS, 'utf8')))],
  ]);
}

/** The library's own answers, in the form every host must give them. */
function answerAll(bundle: Bundle, vectors: string): string {
  const core = new Core(loadCoreModule());
  if (core.loadTables(bundle.tables) < 0 || core.loadImage(bundle.image) < 0) {
    throw new Error('the core refuses the examples’ policy');
  }
  return vectors
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => `${JSON.stringify(answer(core, line))}\n`)
    .join('');
}

function answer(core: Core, line: string): object {
  const [name, form, proto, ip, syn, hello] = line.split('\t') as [string, ...string[]];
  const address = unhex(ip!);
  const padded = Buffer.concat([Buffer.alloc(16 - address.length), address]);
  core.begin();
  core.setIp(FACT.ip, padded, address.length === 4);
  const synStatus = core.parseSyn(unhex(syn!));
  const bytes = unhex(hello!);
  const status = core.parse(bytes, 0, bytes.length, FORMS[Number(form)]!, PROTOS[Number(proto)]!);
  const decision = core.decide(0, L.PHASE_HELLO);
  const readable = status === 0 || isViolation(status);
  return {
    name,
    hello: status,
    syn: synStatus,
    sni: status === 0 ? core.hello.sni : null,
    ja3: readable ? core.hello.ja3Hash : null,
    ja4: readable ? core.hello.ja4 : null,
    ja4_r: readable ? core.hello.ja4r : null,
    sig: synStatus === 0 ? core.synText : null,
    ...plainDecision(decision),
    puzzle: core.solve(address, 0, 65_536, 10) ?? -1,
  };
}

function plainDecision(decision: Decision): object {
  const { policy, rule, rung, score, scoreLow: score_low, scoreHigh: score_high } = decision;
  const tier = TIERS.indexOf(decision.tier);
  return {
    ...{ tier, policy, rule, rung, score, score_low, score_high },
    final: decision.final ? 1 : 0,
    matched_rules: [...decision.matchedRules],
    signal_points: [...decision.signalPoints],
  };
}

if (import.meta.main) {
  if (process.argv.includes('--capture')) {
    const captures = await captureClients((name) => console.error(`${name}: no ClientHello came`));
    writeVectors(arrange(captures));
  }
  for (const [path, content] of generated()) {
    writeFileSync(path, content);
    console.log(`${path.slice(EMBED.length)}: ${content.length} bytes`);
  }
}
