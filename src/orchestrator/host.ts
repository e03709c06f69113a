/** What a configuration offers to the policies it is served with, and what they ask of it and do not find. */
import type { Config } from '../config/schema.ts';
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';
import type { Program } from '../pdl/ir.ts';
import { FACTS } from '../pdl/registry/facts.gen.ts';
import { isTls13Cipher } from '../pdl/registry/iana.ts';
import { UNSUPPLIED } from './facts.ts';
import { passesWhole } from './host-passthrough.ts';
import { policiesOf } from './site-policies.ts';

type Protocol = 'http' | 'tcp';

const TLS12 = 0x0303;
const TLS13 = 0x0304;

export interface Host {
  /** By name of the listener; null where whoever serves it does not say. */
  readonly listeners: Readonly<Record<string, Protocol | null>>;
  /** Names; null: those that a policy names are not asked for here. */
  readonly certificates: readonly string[] | null;
  /** By name of the upstream; null as above. */
  readonly upstreams: Readonly<Record<string, Protocol>> | null;
  /** Facts that it gives no means to know, and what to do about each. */
  readonly unknown?: Readonly<Record<string, string>>;
  /** The lowest version of TLS that any policy may offer, as on the wire; absent: 1.2. */
  readonly floor?: number;
  /** By listener: server names whose TLS passes through; `*` stands for all others. */
  readonly passthrough: Readonly<Record<string, readonly string[]>>;
}

type Offer = Pick<Config, 'listeners' | 'certificates' | 'upstreams' | 'geo' | 'tls'>;

export function hostOf(config: Offer): Host {
  const upstreams = Object.fromEntries(
    Object.entries(config.upstreams).map(([name, { protocol }]) => [name, protocol]),
  );
  return {
    listeners: Object.fromEntries(config.listeners.map(({ name, upstream }) => [name, upstreams[upstream]!])),
    certificates: Object.keys(config.certificates),
    upstreams,
    unknown: unknownFacts(config),
    floor: config.tls.minVersion,
    passthrough: Object.fromEntries(
      config.listeners.map(({ name, passthrough }) => [name, Object.keys(passthrough)]),
    ),
  };
}

export function unknownFacts({ geo }: Pick<Config, 'geo'>): NonNullable<Host['unknown']> {
  return {
    ...(geo.country === null ? { 'conn.country': 'name a MaxMind database in `geo.country`' } : {}),
    ...(geo.asn === null ? { 'conn.asn': 'name a MaxMind database in `geo.asn`' } : {}),
  };
}

function problem(file: string, code: string, message: string, offers: readonly string[]): Diagnostic {
  const help = offers.length === 0 ? 'it has none' : `it has: ${offers.join(', ')}`;
  return fileProblem(file, code, message, help);
}

/** @param file The policy's path, for the diagnostics. */
export function checkHost(program: Program, host: Host, file: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  const listeners = Object.keys(host.listeners);
  for (const site of program.sites) {
    for (const listener of site.listeners) {
      if (listeners.includes(listener)) continue;
      const message = `site ${site.name} listens on "${listener}", which the configuration does not have`;
      found.push(problem(file, 'HOST-001', message, listeners));
    }
  }
  for (const policy of program.policies) {
    const { certificate } = policy.tls;
    if (certificate === null || host.certificates === null || host.certificates.includes(certificate))
      continue;
    const message = `policy ${policy.name} serves certificate "${certificate}", which the configuration does not have`;
    found.push(problem(file, 'HOST-002', message, host.certificates));
  }
  found.push(...checkFloor(program, host, file));
  if (host.upstreams !== null) found.push(...checkUpstreams(program, host, host.upstreams, file));
  return [...found, ...checkFacts(program, host, file)];
}

/** Policies that accept clients, and could shake hands with none of them. */
function checkFloor({ policies }: Program, { floor = TLS12 }: Host, file: string): Diagnostic[] {
  return policies.flatMap(({ name, verdict, tls: { maxVersion, ciphers } }) => {
    const isServable = maxVersion >= floor && (floor < TLS13 || ciphers.some(isTls13Cipher));
    if (verdict.action !== 'accept' || isServable) return [];
    const message = `policy ${name} has no version and suite of TLS that \`tls.minVersion\` of the configuration allows`;
    const help = 'widen `versions` and `ciphers` in the policy, or lower `tls.minVersion`';
    return [{ ...problem(file, 'HOST-008', message, []), help }];
  });
}

/** Facts that the policy asks about and that are never known to this version, or on this host. */
function checkFacts(program: Program, { unknown }: Host, file: string): Diagnostic[] {
  return program.requiredFacts.flatMap((fact) => {
    const { name } = FACTS[fact]!;
    const isUnsupplied = UNSUPPLIED.includes(name);
    const help = isUnsupplied ? 'remove the condition' : unknown?.[name];
    if (help === undefined) return [];
    const message = `${name} is never known ${isUnsupplied ? 'to this version' : 'here'}: conditions on it never hold`;
    return [{ ...problem(file, 'HOST-003', message, []), severity: 'warning' as const, help }];
  });
}

function checkUpstreams(
  program: Program,
  host: Host,
  upstreams: Readonly<Record<string, Protocol>>,
  file: string,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const { name, upstream } of program.policies) {
    if (upstream === undefined || Object.hasOwn(upstreams, upstream)) continue;
    const message = `policy ${name} goes to upstream "${upstream}", which the configuration does not have`;
    found.push(problem(file, 'HOST-004', message, Object.keys(upstreams)));
  }
  for (const site of program.sites) {
    for (const listener of site.listeners) {
      const passes = passesWhole(site, host.passthrough[listener] ?? []);
      const spoken = passes ? 'tcp' : (host.listeners[listener] ?? null);
      if (spoken === null) continue;
      for (const index of policiesOf(program, site)) {
        const { name, upstream } = program.policies[index]!;
        const needed = upstream === undefined ? undefined : upstreams[upstream];
        if (needed === undefined || needed === spoken) continue;
        const message = `policy ${name} goes to upstream "${upstream}" (${needed}), but site ${site.name} listens on "${listener}" (${spoken})`;
        const offers = Object.keys(upstreams).filter((other) => upstreams[other] === spoken);
        found.push(problem(file, 'HOST-005', message, offers));
      }
    }
  }
  return found;
}
