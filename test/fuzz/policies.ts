/** Random policies as text, and random clients for them: small, valid, and rich in what interacts. */
import type { Program } from '../../src/pdl/ir.ts';
import { FACTS } from '../../src/pdl/registry/facts.gen.ts';
import type { Random } from '../support/random.ts';
import type { Situation, Value } from '../support/reference-evaluator.ts';

const ADDRESSES = ['10.0.0.1', '10.128.0.1', '192.0.2.1', '192.0.2.200', '203.0.113.7'];
const PREFIXES = ['10.0.0.0/8', '10.128.0.0/9', '192.0.2.0/24', '192.0.2.128/25', '203.0.113.7/32'];
const HOSTS = ['a.test', 'b.a.test', 'c.b.a.test', 'xa.test', 'test'];
const WORDS = ['h2', 'http/1.1', 'x', 'curl'];
const JA4 = ['t13d1516h2_8daaf6152771_02713d6af862', 't13i190900_9dc949149365_97f8aa674fd9'];
const CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'];
const CODES = [0x1301, 0x1302, 0xc02f];
const COUNTRIES = ['NL', 'BE', 'DE'];
const NUMBERS = ['conn.port', 'conn.ttl', 'time.hour'];

/** The text of a policy with one site that listens, and its forms in the states of a mode. */
export function randomPolicy(random: Random): string {
  const parts = [
    'pdl 1',
    'import "std/tls" as tls',
    `set inner of cidr = { ${random.several(1, 3, () => random.pick(PREFIXES)).join(', ')} }`,
    `set outer of cidr = inner + { ${random.pick(PREFIXES)} }`,
    'feed bad of cidr from file "bad" { }',
    'feed tools of ja4 from file "tools" { }',
    'feed marked of cidr to score from file "marked" { }',
    'feed clients of ja4 to score from file "clients" { }',
    'counter hellos per conn.ip (v4 32, v6 64) window 10s',
    'counter failures per conn.asn window 1m of failure',
    'mode posture { state calm initial  state busy enter when sys.inflight > 9 for 5s }',
    `define odd = ${condition(random, 1, false)}`,
    score(random),
    'policy low extends tls.intermediate { }',
    'policy middle extends low { rank 50 }',
    'policy high extends tls.modern { action refuse alert access_denied  rank 90 }',
    site(random),
  ];
  return `${parts.join('\n')}\n`;
}

function score(random: Random): string {
  const signals = random.several(1, 5, (index) => `    ${signal(random, index)}`);
  const loose = random.several(0, 2, (index) => `  ${signal(random, 10 + index)}`);
  const group = `  group g cap ${random.below(60)} {\n${signals.join('\n')}\n  }`;
  return `score risk {\n  clamp 0..100\n${group}\n${loose.join('\n')}\n}`;
}

function points(random: Random): string {
  const value = random.below(90) - 30;
  return value < 0 ? String(value) : `+${value}`;
}

function signal(random: Random, index: number): string {
  const head = `${stage(random)}signal s${index}`;
  if (!random.once(4)) return `${head} ${points(random)} when ${condition(random, 2)}`;
  const [operand, from, to] = random.pick([
    ['rate(hellos)', '1/s', '9/s'],
    ['rate(failures)', '2/m', '20/m'],
    ['conn.port', '3', '40'],
    ['lookup(marked, conn.ip)', '10', '90'],
    ['lookup(clients, hello.ja4)', '10', '90'],
  ]);
  return `${head} ${points(random)}..${points(random).replace('+', '')} ramp ${operand} from ${from} to ${to}`;
}

function stage(random: Random): string {
  if (random.once(8)) return 'shadow ';
  return random.once(8) ? `canary ${random.pick(['5', '50', '100'])}% by conn.ip (v4 32, v6 64) ` : '';
}

function site(random: Random): string {
  const rungs = (): string => {
    const bounds = [...new Set(random.several(0, 2, () => 1 + random.below(100)))].sort((a, b) => a - b);
    return `{ ${[0, ...bounds].map((from) => `from ${from} use ${random.pick(['low', 'middle', 'high'])}`).join('  ')} }`;
  };
  const lines = [
    'listen edge',
    'sni any',
    'score risk',
    'on_error use middle',
    `ladder ${rungs()}`,
    ...(random.once(3) ? [`canary 50% by conn.ip ladder ${rungs()}`] : []),
    ...(random.once(3) ? [`shadow ladder ${rungs()}`] : []),
    ...(random.once(2) ? [`during posture busy { ladder ${rungs()}  ${rule(random, 100)} }`] : []),
    ...random.several(0, 5, (index) => rule(random, index)),
  ];
  return `site main {\n${lines.map((line) => `  ${line}`).join('\n')}\n}`;
}

function rule(random: Random, index: number): string {
  const tier = random.pick(['forbid', 'exempt', 'deny', 'pin']);
  const grants = tier === 'exempt' || tier === 'pin';
  const verdict = random.pick(['do drop', 'do reset', 'do refuse alert access_denied', 'do tarpit 5s']);
  const outcome = grants ? `use ${random.pick(['low', 'middle', 'high'])}` : verdict;
  return `${stage(random)}${tier} r${index} when ${condition(random, 2)} ${outcome}`;
}

function condition(random: Random, depth: number, named = true): string {
  if (depth > 0 && random.once(2)) {
    const parts = random.several(2, 3, () => condition(random, depth - 1, named));
    return `(${parts.join(random.pick([' and ', ' or ']))})`;
  }
  const test = atom(random, named);
  return random.once(4) ? `not ${test}` : test;
}

function atom(random: Random, named: boolean): string {
  const small = random.below(24);
  const choices = [
    () =>
      `conn.ip ${random.pick(['in', 'not in'])} ${random.pick(['inner', 'outer', 'bad', '{ 192.0.2.0/24 }'])}`,
    () => `hello.sni == "${random.pick(HOSTS)}"`,
    () => `hello.sni like "*.${random.pick(HOSTS)}"`,
    () => `hello.ja4 in tools`,
    () => `hello.ja4 == "${random.pick(JA4)}"`,
    () => `lookup(marked, conn.ip) ${random.pick(['>', '==', '<='])} ${random.below(101)}`,
    () => `lookup(clients, hello.ja4) in ${random.below(50)}..${50 + random.below(51)}`,
    () => `hello.alpn has "${random.pick(WORDS)}"`,
    () => `count(hello.alpn) ${random.pick(['<', '==', '>='])} ${random.below(3)}`,
    () => `hello.ciphers has ${random.pick(CIPHERS)}`,
    () => `hello.ciphers has all { ${random.pick(CIPHERS)}, ${random.pick(CIPHERS)} }`,
    () => `conn.country in { ${random.pick(COUNTRIES)} }`,
    () => `${random.pick(NUMBERS)} ${random.pick(['<', '<=', '==', '!=', '>', '>='])} ${small}`,
    () => `conn.port in ${small}..${small + random.below(20)}`,
    () => `hello.grease`,
    () =>
      `${random.pick(['known', 'unknown'])} ${random.pick(['hello.sni', 'conn.country', 'cert.fingerprint'])}`,
    () => `cert.remaining < ${1 + random.below(30)}d`,
    () => `http.path == "/${random.pick(WORDS)}"`,
    () => `rate(hellos) > ${1 + random.below(9)}/s`,
    () => (named ? 'odd' : 'hello.ech'),
    () => (named ? `mode(posture) ${random.pick(['==', '!='])} busy` : 'client.cleared'),
  ];
  return random.pick(choices)();
}

/** Values of a fact, by name; a fact that is not here stays unknown. */
const VALUES: Readonly<Record<string, (random: Random) => Value>> = {
  'conn.ip': (random) => random.pick(ADDRESSES),
  'hello.sni': (random) => random.pick(HOSTS),
  'hello.ja4': (random) => random.pick(JA4),
  'hello.alpn': (random) => random.several(0, 2, () => random.pick(WORDS)),
  'hello.ciphers': (random) => random.several(0, 3, () => random.pick(CODES)),
  'conn.country': (random) => random.pick(COUNTRIES),
  'conn.port': (random) => random.below(24),
  'conn.ttl': (random) => random.below(24),
  'time.hour': (random) => random.below(24),
  'hello.grease': (random) => random.below(2),
  'hello.ech': (random) => random.below(2),
  'client.cleared': (random) => random.below(2),
  'cert.fingerprint': () => 'aa11',
  'cert.remaining': (random) => random.below(40) * 86_400_000_000,
  'http.path': (random) => `/${random.pick(WORDS)}`,
};
const INDEXED = Object.entries(VALUES).map(
  ([name, make]) => [FACTS.findIndex((fact) => fact.name === name), make] as const,
);

export function randomSituation(random: Random, program: Program): Situation {
  const maybe = <T>(make: () => T): T[] => (random.once(4) ? [] : [make()]);
  const facts = INDEXED.flatMap(([index, make]) => maybe((): [number, Value] => [index, make(random)]));
  const rates = program.counters.flatMap((_, index) =>
    maybe((): [number, number] => [index, random.below(12) * 1_000_000]),
  );
  const draws = program.canaries.flatMap((_, index) =>
    maybe((): [number, number] => [index, random.below(1_000_000)]),
  );
  return {
    facts: new Map(facts),
    rates: new Map(rates),
    draws: new Map(draws),
    feeds: new Map(),
    phase: random.below(4),
  };
}

/** Members of the policy's feeds; one that is not there has not been read. */
export function randomFeeds(random: Random, program: Program): ReadonlyMap<number, readonly string[]> {
  const entries = program.feeds.flatMap(({ type, toScore }, index): [number, string[]][] => {
    if (random.once(4)) return [];
    const member = (): string => random.pick(type === 'cidr' ? PREFIXES : JA4);
    const scored = (): string => `${member()} ${random.below(101)}`;
    return [[index, toScore ? random.several(0, 4, scored) : random.several(0, 2, member)]];
  });
  return new Map(entries);
}
