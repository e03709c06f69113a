/**
 * What it costs to know a client: look-ups of its country and network in two MaxMind databases, of its address among a
 * million prefixes, of its JA4 among half a million fingerprints, and of its SYN and its hello in the tables of stacks and
 * clients, on top of the decision at the ClientHello. Memory is what each table takes.
 */
import { Core } from '../src/core/core.ts';
import { encodeProgram } from '../src/core/image.ts';
import { loadCoreModule } from '../src/core/module.ts';
import { encodeTables } from '../src/core/tables.ts';
import { NO_TRUST } from '../src/identity/trust.ts';
import { clientAtHello } from '../src/orchestrator/client.ts';
import { type ConnectionFacts, Engine } from '../src/orchestrator/engine.ts';
import { History } from '../src/orchestrator/history.ts';
import { memoryOfOne } from '../src/orchestrator/shared-tables.ts';
import type { Program } from '../src/pdl/ir.ts';
import { judgeDatabase } from '../src/profile/address/load-database.ts';
import {
  NO_DATABASES,
  type OriginDatabases,
  type OriginKind,
  Origins,
} from '../src/profile/address/origins.ts';
import { loadClients, NO_CLIENTS } from '../src/profile/clients.ts';
import { loadStacks, NO_STACKS, OWN_STACKS } from '../src/profile/stacks.ts';
import { captureHello } from '../test/support/hello.ts';
import { type MmdbValue, writeMmdb } from '../test/support/mmdb-writer.ts';
import { ipv4Packet, tcpSegment } from '../test/support/pcap-writer.ts';
import { address, prefix, random } from './lib/prefixes.ts';
import { programWithRules } from './lib/rules.ts';
import { timeTasks } from './lib/samples.ts';
import type { Bench, BenchOptions } from './main.ts';

/** Clients that come in turns: what they touch does not fit a processor's first caches. */
const CLIENTS = 100_000;
/** Connections to a sample. */
const CALLS = 500;
/** Fewer than a hundred: a program has at most 128 different tests. */
const RULES = 90;
const SYSTEMS = 80_000;
/** Few networks hold most addresses: the thousand largest of the routing table about three quarters. */
const SKEW = 16;
const BUDGET_US = 2;
const NOW = Date.UTC(2026, 10, 25);

const FEEDS = `feed listed of cidr from file "listed.txt" { }
feed prints of ja4 from file "prints.txt" { }`;
const LOOKUPS = [
  '  deny far when conn.country in { KP } do drop',
  '  deny network when conn.asn in { AS64500, AS64501 } do drop',
  '  deny listed_ip when conn.ip in listed do drop',
  '  deny print when hello.ja4 in prints do drop',
  '  deny scanner when conn.os_family == "tool" do drop',
  '  deny program when hello.client == "ZGrab" do drop',
];

/** As a vendor's database: networks of 16 to 24 bits, of some hundred countries or some ten thousand networks. */
function database(kind: OriginKind, networks: number): SharedArrayBuffer {
  const next = random(kind === 'country' ? 5 : 6);
  const count = kind === 'country' ? 250 : SYSTEMS;
  const records: MmdbValue[] = Array.from({ length: count }, (_, index) =>
    kind === 'country'
      ? { country: { iso_code: String.fromCharCode(65 + (index % 26), 65 + ((index / 26) | 0)) } }
      : { autonomous_system_number: index + 1, autonomous_system_organization: `Network ${index}` },
  );
  const lengths = Array.from({ length: networks }, () => 16 + Math.floor(next() * 9)).sort((a, b) => a - b);
  const bytes = writeMmdb({
    networks: lengths.map((length) => [
      `${address('v4', next).join('.')}/${length}`,
      records[Math.floor(next() ** SKEW * count)]!,
    ]),
    recordSize: 28,
  });
  const memory = new SharedArrayBuffer(bytes.length);
  new Uint8Array(memory).set(bytes);
  const loaded = judgeDatabase(memory, kind, NOW);
  if (typeof loaded === 'string') throw new Error(loaded);
  return memory;
}

function fingerprints(count: number): string[] {
  const next = random(7);
  const hex = (): string =>
    Math.floor(next() * 2 ** 48)
      .toString(16)
      .padStart(12, '0');
  return Array.from({ length: count }, () => `t13d1516h2_${hex()}_${hex()}`);
}

function clients(): ConnectionFacts[] {
  const next = random(8);
  // Common systems, so that the matcher meets a few hundred raw signatures.
  const syns = Array.from({ length: 300 }, (_, index) => {
    const mss = 1_200 + (index % 260);
    const options = Buffer.from(
      `0204${mss.toString(16).padStart(4, '0')}0402080a00000001000000000103030${index % 10}`,
      'hex',
    );
    return ipv4Packet(tcpSegment({ sequence: 7, flags: 'S', options }));
  });
  return Array.from({ length: CLIENTS }, (_, index) => {
    const ip = new Uint8Array(16).fill(255, 10, 12);
    ip.set(address('v4', next), 12);
    const syn = syns[index % syns.length]!;
    return {
      listener: 'edge',
      ip,
      isV4: true,
      port: 40_000,
      syn,
      rttUs: 900,
      proxied: false,
      nowMs: NOW,
      inflight: 10,
    };
  });
}

function engineOf(
  program: Program,
  tables: Uint8Array,
  knowing: boolean,
  databases: OriginDatabases,
): Engine {
  const { image, imageId } = encodeProgram(program);
  const engine = new Engine(new Core(loadCoreModule()), new History(memoryOfOne()));
  const stacks = knowing ? loadStacks(OWN_STACKS).stacks! : NO_STACKS;
  const table = knowing ? loadClients(null).table! : NO_CLIENTS;
  engine.load({ program, image, imageId, tables, secrets: [], trust: NO_TRUST, stacks, clients: table }, 1);
  engine.useOrigins(databases);
  return engine;
}

/** One sample: so many connections, each decided at its hello. */
function decisions(engine: Engine, facts: readonly ConnectionFacts[], hello: Uint8Array): () => void {
  let turn = 0;
  return () => {
    for (let call = 0; call < CALLS; call++) {
      turn = (turn + 1) % facts.length;
      const client = facts[turn]!;
      engine.begin(client);
      if (engine.core.parse(hello, 0, hello.length, 'records', 'tls') !== 0) throw new Error('parse');
      engine.decideHello(client, clientAtHello(client, engine.core.hello, engine.origin));
    }
  };
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const { prefixes, prints, networks } = options as Record<string, number>;
  const hello = await captureHello({ servername: 'www.shop.example', ALPNProtocols: ['h2', 'http/1.1'] });
  const next = random(1);
  const listed = Array.from({ length: prefixes! }, () => prefix('v4', next));
  const program = programWithRules(RULES, FEEDS, LOOKUPS);
  const tables = encodeTables(
    program,
    new Map([
      [0, listed],
      [1, fingerprints(prints!)],
    ]),
  );
  const databases = { country: database('country', networks!), asn: database('asn', networks!) };
  const facts = clients();
  const bare = facts.map((each) => ({ ...each, syn: null }));
  const plain = programWithRules(RULES);
  const before = engineOf(plain, encodeTables(plain, new Map()), false, NO_DATABASES);
  const after = engineOf(program, tables, true, databases);
  const origins = new Origins(databases);
  let turn = 0;
  const [decision, profile, origin] = await timeTasks(
    [
      { name: 'decision at the hello', calls: CALLS, run: decisions(before, bare, hello) },
      { name: 'with the whole profile', calls: CALLS, run: decisions(after, facts, hello) },
      {
        name: 'country and network alone',
        calls: CALLS,
        run: () => {
          for (let call = 0; call < CALLS; call++) {
            turn = (turn + 1) % CLIENTS;
            origins.find(facts[turn]!.ip, true);
          }
        },
      },
    ],
    options.rounds!,
    options.milliseconds!,
  );
  const us = (nanoseconds: number): number => Math.round(nanoseconds) / 1_000;
  const added = {
    bestUs: us(profile!.nanoseconds.best - decision!.nanoseconds.best),
    medianUs: us(profile!.nanoseconds.median - decision!.nanoseconds.median),
  };
  const mib = (bytes: number): number => Math.round(bytes / 104_857.6) / 10;
  const result = {
    decisionUs: { best: us(decision!.nanoseconds.best), median: us(decision!.nanoseconds.median) },
    profileUs: { best: us(profile!.nanoseconds.best), median: us(profile!.nanoseconds.median) },
    added,
    originUs: { best: us(origin!.nanoseconds.best), median: us(origin!.nanoseconds.median) },
    budgetUs: BUDGET_US,
    memoryMiB: {
      'prefixes and fingerprints, each worker': mib(tables.length),
      'country database, shared': mib(databases.country.byteLength),
      'network database, shared': mib(databases.asn.byteLength),
      process: mib(process.memoryUsage.rss()),
    },
  };
  console.dir(result, { depth: null });
  return { passed: added.bestUs <= BUDGET_US, result };
}

export const bench: Bench = {
  summary: 'Look-ups of a whole client profile, on top of the decision at the hello.',
  defaults: { prefixes: 1_000_000, prints: 500_000, networks: 400_000, rounds: 5, milliseconds: 300 },
  run,
};
