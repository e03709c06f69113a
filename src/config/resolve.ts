/** Fills a structurally valid document into a `Config`: defaults, absolute paths, milliseconds, bounds. */
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { FeedSettings } from '../intel/settings.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import { parsePrefix } from '../pdl/ip.ts';
import { parseAddress } from './address.ts';
import { resolveBots } from './bots.ts';
import type { ConfigDocument, Path } from './document.ts';
import { formatDuration, parseDuration } from './duration.ts';
import type { Address, CertificateConfig, Config, ListenerConfig, UpstreamConfig } from './schema.ts';
import {
  BOT_SETTINGS,
  DEFAULTS,
  FEED_TIMEOUT,
  HEADER_DEFAULTS,
  HISTORY_SETTINGS,
  HTTP_UPSTREAM_SETTINGS,
  LIMIT_SETTINGS,
  OCSP_TIMEOUT,
  PUZZLE_EXTENSION_SETTING,
  type Setting,
  type Settings,
  TCP_UPSTREAM_SETTINGS,
  TLS_SETTINGS,
} from './settings.ts';
import { keyText } from './validate.ts';

type Section = Readonly<Record<string, unknown>>;
type VersionName = keyof typeof TLS_VERSIONS;

const TLS_VERSIONS = { '1.0': 0x0301, '1.1': 0x0302, '1.2': 0x0303, '1.3': 0x0304 } as const;

/** Values that cannot be used are replaced by something harmless and reported in `problems`. */
export function resolveConfig(document: ConfigDocument, problems: Diagnostic[]): Config {
  const root = document.value as Section;
  const base = dirname(resolve(document.file));
  const path = (value: unknown, fallback: string): string => resolve(base, (value as string) ?? fallback);

  const report = (at: Path, message: string, help: string): void => {
    problems.push({ code: 'CFG-V001', severity: 'error', ...document.valueAt(at), message, help });
  };
  const address = (at: Path, text: string): Address => {
    const parsed = parseAddress(text);
    if (!parsed)
      report(at, `\`${keyText(at)}\` is not an address: ${text}`, 'write 127.0.0.1:8443 or [::1]:8443');
    return parsed ?? { host: '127.0.0.1', port: 0 };
  };
  const settings = <K extends string>(at: Path, section: Section, table: Settings<K>): Record<K, number> => {
    const entries = Object.entries(table) as [K, Setting][];
    return Object.fromEntries(
      entries.map(([key, setting]) => [key, scalar([...at, key], section[key], setting, report)]),
    ) as Record<K, number>;
  };
  const upstream = (name: string, section: Section): UpstreamConfig => {
    const at = ['upstreams', name];
    if (section.protocol === 'tcp') {
      return {
        protocol: 'tcp',
        address: address([...at, 'address'], section.address as string),
        proxyProtocol: section.proxyProtocol === true,
        ...settings(at, section, TCP_UPSTREAM_SETTINGS),
      };
    }
    const url = section.url as string;
    if (!isOrigin(url)) {
      report(
        [...at, 'url'],
        `\`${keyText([...at, 'url'])}\` is not an http or https origin: ${url}`,
        ORIGIN_HELP,
      );
    }
    return {
      protocol: 'http',
      url,
      ca: section.ca === undefined ? null : path(section.ca, ''),
      ...settings(at, section, HTTP_UPSTREAM_SETTINGS),
    };
  };

  const prefixes = (at: Path, value: unknown): readonly string[] => {
    const texts = (value as string[] | undefined) ?? [];
    texts.forEach((text, index) => {
      if (parsePrefix(text) !== null) return;
      report([...at, index], `${text} is no IP address or prefix`, 'write 192.0.2.0/24 or 2001:db8::/32');
    });
    return texts.filter((text) => parsePrefix(text) !== null);
  };
  const proxyProtocol = (index: number, given: Section): ListenerConfig['proxyProtocol'] => ({
    from: prefixes(['listeners', index, 'proxyProtocol', 'from'], given.from),
    require: given.require !== false,
  });

  const upstreams = mapValues(root.upstreams as Record<string, Section>, upstream);
  const listener = (section: Section, index: number): ListenerConfig => ({
    name: section.name as string,
    address: address(['listeners', index, 'address'], section.address as string),
    certificates: (section.certificates as string[] | undefined) ?? [],
    // why: where everything passes through, nothing else goes anywhere.
    upstream: upstreamOf(section),
    passthrough: passthroughOf(section),
    deferAccept: section.deferAccept !== false,
    proxyProtocol:
      section.proxyProtocol === undefined ? null : proxyProtocol(index, section.proxyProtocol as Section),
    alpn:
      (section.alpn as string[] | undefined) ??
      (own(upstreams, upstreamOf(section))?.protocol === 'tcp' ? [] : DEFAULTS.httpAlpn),
  });
  const resolvers = (value: unknown): readonly string[] =>
    ((value as string[] | undefined) ?? []).filter((text, index) => {
      if (isIP(text) !== 0 || isIP(parseAddress(text)?.host ?? '') !== 0) return true;
      const help = 'write 192.0.2.53 or 192.0.2.53:53';
      report(['feeds', 'resolvers', index], `${text} is no address of a DNS server`, help);
      return false;
    });
  const feeds = (given: Section): FeedSettings => ({
    directory: path(given.directory, DEFAULTS.feedDirectory),
    own: prefixes(['feeds', 'own'], given.own),
    neverBlock: prefixes(['feeds', 'neverBlock'], given.neverBlock),
    ca: given.ca === undefined ? null : path(given.ca, ''),
    resolvers: resolvers(given.resolvers),
    maxGoodShare: Number(given.maxGoodPercent ?? DEFAULTS.maxGoodPercent) / 100,
    timeout: scalar(['feeds', 'timeout'], given.timeout, FEED_TIMEOUT, report),
    options: (given.options as FeedSettings['options'] | undefined) ?? {},
  });
  const answers = (value: unknown): CertificateConfig['ocsp'] => {
    const { responder, file, issuer } = section(value);
    return {
      responder: (responder as string | undefined) ?? null,
      file: file === undefined ? null : path(file, ''),
      issuer: issuer === undefined ? null : path(issuer, ''),
    };
  };
  const geo = ({ country, asn }: Section): Config['geo'] => ({
    country: country === undefined ? null : path(country, ''),
    asn: asn === undefined ? null : path(asn, ''),
  });
  const bots = (given: Section): Config['bots'] =>
    resolveBots(given, {
      path: (text) => path(text, ''),
      report,
      times: settings(['bots'], given, BOT_SETTINGS),
    });
  const admin = toggle(root.admin);
  const metrics = toggle(root.metrics);
  const audit = toggle(root.audit);
  const history = toggle(root.history);
  const auditFile = (audit?.file as string | undefined) ?? DEFAULTS.auditFile;

  return {
    file: resolve(document.file),
    policy: path(root.policy, DEFAULTS.policy),
    p0fDb: root.p0fDb === undefined ? null : path(root.p0fDb, ''),
    bots: bots(section(root.bots)),
    geo: geo(section(root.geo)),
    intermediaries: (root.intermediaries as string[] | undefined) ?? [],
    clientTable: root.clientTable === undefined ? null : path(root.clientTable, ''),
    threads: (root.threads as number | undefined) ?? availableParallelism(),
    listeners: (root.listeners as Section[]).map(listener),
    certificates: mapValues((root.certificates ?? {}) as Record<string, Section>, (_, section) => ({
      certificate: path(section.certificate, ''),
      key: path(section.key, ''),
      ocsp: answers(section.ocsp),
    })),
    upstreams,
    limits: settings(['limits'], section(root.limits), LIMIT_SETTINGS),
    tls: {
      minVersion: TLS_VERSIONS[(section(root.tls).minVersion ?? DEFAULTS.minVersion) as VersionName],
      ...settings(['tls'], section(root.tls), TLS_SETTINGS),
      puzzleExtension: scalar(
        ['tls', 'puzzleExtension'],
        section(root.tls).puzzleExtension,
        PUZZLE_EXTENSION_SETTING,
        report,
      ),
    },
    headers: { ...HEADER_DEFAULTS, ...section(root.headers) },
    admin: admin && {
      address: address(['admin', 'address'], (admin.address as string) ?? DEFAULTS.adminAddress),
      tokenFile: path(admin.tokenFile, DEFAULTS.tokenFile),
    },
    metrics: metrics && {
      address: address(['metrics', 'address'], (metrics.address as string) ?? DEFAULTS.metricsAddress),
    },
    audit: audit && {
      file: auditFile === '-' ? '-' : path(auditFile, ''),
      facts: audit.facts === true,
    },
    history: {
      file: history && path(history.file, DEFAULTS.historyFile),
      ...settings(['history'], history ?? {}, HISTORY_SETTINGS),
    },
    ocsp: {
      directory: path(section(root.ocsp).directory, DEFAULTS.ocspDirectory),
      timeout: scalar(['ocsp', 'timeout'], section(root.ocsp).timeout, OCSP_TIMEOUT, report),
    },
    feeds: feeds(section(root.feeds)),
    log: { level: (section(root.log).level ?? DEFAULTS.logLevel) as Config['log']['level'] },
  };
}

function passthroughOf(section: Section): Readonly<Record<string, string>> {
  return (section.passthrough as Record<string, string> | undefined) ?? {};
}

function upstreamOf(section: Section): string {
  return (section.upstream as string | undefined) ?? passthroughOf(section)['*']!;
}

/** An own property, so that a name such as `constructor` finds nothing. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

const ORIGIN_HELP = 'write http://host:port or https://host:port, without a path';

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false;
  return (
    url.username === '' && url.password === '' && url.pathname === '/' && url.search === '' && url.hash === ''
  );
}

function scalar(
  at: Path,
  value: unknown,
  setting: Setting,
  report: (at: Path, message: string, help: string) => void,
): number {
  if (value === undefined) return setting.default;
  const number = setting.kind === 'duration' ? parseDuration(value as string) : (value as number);
  const show = (each: number): string => (setting.kind === 'duration' ? formatDuration(each) : String(each));
  const range = `from ${show(setting.min)} to ${show(setting.max)}`;
  if (number === null) {
    report(
      at,
      `\`${keyText(at)}\` is not a duration: ${value}`,
      `write a whole number and ms, s, m, h or d, ${range}`,
    );
    return setting.default;
  }
  if (number < setting.min || number > setting.max) {
    report(
      at,
      `\`${keyText(at)}\` is out of bounds: ${value}`,
      `choose ${range}; the default is ${show(setting.default)}`,
    );
    return setting.default;
  }
  return number;
}

function section(value: unknown): Section {
  return (value ?? {}) as Section;
}

/** A section that `false` turns off and `true` leaves at its defaults. */
function toggle(value: unknown): Section | null {
  if (value === false) return null;
  return value === true ? {} : section(value);
}

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  map: (name: string, value: T) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(name, value)]));
}
