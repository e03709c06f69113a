/** The profile of one client, for people. */
import type { HelloReport, InspectError, SynReport } from '../core/inspect.ts';
import type { Origin } from '../profile/address/origins.ts';
import type { ClientMatch } from '../profile/client-matcher.ts';
import type { Judgement } from '../profile/mismatch.ts';
import type { StackMatch } from '../profile/stack-matcher.ts';
import type { UserAgent } from '../profile/user-agent.ts';
import type { Paint } from './style.ts';

/** What was given, and what it tells; null: it was not given. */
export interface ClientProfile {
  readonly address: ({ readonly ip: string } & Origin) | null;
  readonly hello: HelloReport | InspectError | null;
  /** Null also when the table does not have it. */
  readonly client: ClientMatch | null;
  readonly syn: SynReport | InspectError | null;
  readonly stack: StackMatch | null;
  readonly userAgent: ({ readonly text: string } & UserAgent) | null;
  /** Null without a User-Agent. */
  readonly system: Judgement | null;
  readonly tool: Judgement | null;
}

type Line = readonly [label: string, text: string];

export function clientReport(profile: ClientProfile, paint: Paint): string {
  const { hello, syn, userAgent, system, tool } = profile;
  const blocks = [
    block('Client', whoLines(profile, paint), paint),
    block('Agreement', agreementLines(system, tool, paint), paint),
    block('ClientHello', hello === null || isError(hello) ? [] : helloLines(hello), paint),
    block('Fingerprints', [...helloPrints(hello), ...synPrints(syn)], paint),
    block('User-Agent', userAgent === null ? [] : [['text', printable(userAgent.text)]], paint),
  ];
  return blocks.filter((text) => text !== '').join('\n\n');
}

function block(title: string, lines: readonly Line[], paint: Paint): string {
  if (lines.length === 0) return '';
  const width = Math.max(...lines.map(([label]) => label.length));
  const rows = lines.map(([label, text]) => `  ${paint('dim', label.padEnd(width))}  ${text}`);
  return [paint('bold', title), ...rows].join('\n');
}

const isError = (report: object): report is InspectError => 'error' in report;
const isErrorOrNull = (report: object | null): report is InspectError | null =>
  report === null || isError(report);

function whoLines(
  { address, hello, client, syn, stack, userAgent }: ClientProfile,
  paint: Paint,
): readonly Line[] {
  const lines: Line[] = [];
  if (address !== null) lines.push(['address', addressText(address, paint)]);
  if (hello !== null) {
    lines.push(['TLS', isError(hello) ? unreadable(hello, paint) : tlsText(client, paint)]);
  }
  if (syn !== null) lines.push(['system', isError(syn) ? unreadable(syn, paint) : systemText(stack!, paint)]);
  if (userAgent !== null) {
    const { text, browser, version, os, engine, bot } = userAgent;
    const program = browser === null ? text.split(' ', 1) : [browser, version];
    const details = [engine, bot ? 'a crawler' : null].filter((each) => each !== null);
    const more = details.length === 0 ? '' : paint('dim', ` (${details.join(', ')})`);
    lines.push([
      'claims',
      `${printable(program.filter(Boolean).join(' '))}${os === null ? '' : ` on ${os}`}${more}`,
    ]);
  }
  return lines;
}

function addressText({ ip, country, asn, organization }: { ip: string } & Origin, paint: Paint): string {
  const details = [country, asn === null ? null : `AS${asn}`, organization].filter((each) => each !== null);
  return `${paint('bold', ip)}${details.length === 0 ? '' : paint('dim', `  ${printable(details.join('; '))}`)}`;
}

const LEVELS: Readonly<Record<ClientMatch['level'], string>> = {
  exact: 'as in the table',
  variant: 'as in the table, but for what depends on the connection',
  suites: 'by its cipher suites: another release, or other settings',
  extensions: 'by its extensions: other settings',
};

function tlsText(client: ClientMatch | null, paint: Paint): string {
  if (client === null) return paint('yellow', 'not in the table');
  const { name, kind, versions, library, level, candidates } = client;
  const others = candidates.filter((candidate) => candidate !== name);
  const details = [
    article(kind),
    ...(library === null || library === name ? [] : [`with ${library}`]),
    ...(others.length === 0 ? [] : [`also sent by ${others.join(', ')}`]),
    LEVELS[level],
  ];
  return `${paint('bold', versions === null ? name : `${name} ${versions}`)}${paint('dim', `  ${details.join('; ')}`)}`;
}

const article = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;

function systemText({ os, family, generic, fuzzy, hops, mtu, link }: StackMatch, paint: Paint): string {
  const details = [
    ...(family === 'tool' ? ['a tool that makes its packets itself'] : []),
    ...(generic ? ['known by its family alone'] : []),
    ...(fuzzy ? ['only nearly fits'] : []),
    hops === 1 ? '1 router away' : `${hops} routers away`,
    ...(mtu === null ? [] : [`MTU ${mtu}${link === null ? '' : `, ${link}`}`]),
  ];
  return `${os === null ? paint('yellow', 'not known') : paint('bold', os)}${paint('dim', `  ${details.join('; ')}`)}`;
}

function agreementLines(system: Judgement | null, tool: Judgement | null, paint: Paint): readonly Line[] {
  return [
    ...(tool === null ? [] : [['program', judgementText(tool, paint)] as const]),
    ...(system === null ? [] : [['system', judgementText(system, paint)] as const]),
  ];
}

function judgementText({ mismatch, why }: Judgement, paint: Paint): string {
  if (mismatch === null) return paint('dim', `? ${why}`);
  return mismatch ? `${paint('red', '✗ contradiction:')} ${why}` : `${paint('green', '✓')} ${why}`;
}

const TRAITS = [
  ['grease', 'GREASE'],
  ['pq', 'a post-quantum group'],
  ['ech', 'Encrypted ClientHello'],
  ['alps', 'ALPS'],
  ['compress_certificate', 'compressed certificates'],
  ['resumption', 'a resumption'],
  ['early_data', 'early data'],
  ['cookie', 'a cookie'],
] as const satisfies readonly (readonly [keyof HelloReport, string])[];
const VERSIONS: Readonly<Record<number, string>> = {
  768: 'SSL 3.0',
  769: 'TLS 1.0',
  770: 'TLS 1.1',
  771: 'TLS 1.2',
  772: 'TLS 1.3',
};

function helloLines(hello: HelloReport): readonly Line[] {
  const { bytes, records, sni, alpn, max_version: version, violation } = hello;
  const traits = TRAITS.flatMap(([key, text]) => (hello[key] ? [text] : []));
  return [
    ['size', `${bytes} bytes${records === 0 ? '' : ` in ${records} record${records === 1 ? '' : 's'}`}`],
    ['version', `up to ${VERSIONS[version] ?? `0x${version.toString(16)}`}`],
    ['name', sni === null ? 'none' : printable(sni)],
    ['protocols', alpn.length === 0 ? 'none' : printable(alpn.join(', '))],
    ['offers', traits.length === 0 ? 'nothing of note' : traits.join(', ')],
    ...(violation === null ? [] : [['breaks', `${violation.code}: ${violation.message}`] as const]),
  ];
}

function helloPrints(hello: ClientProfile['hello']): readonly Line[] {
  if (isErrorOrNull(hello)) return [];
  return [
    ['JA4', hello.ja4],
    ['JA3', hello.ja3_hash],
    ['JA3N', hello.ja3n_hash],
  ];
}

function synPrints(syn: ClientProfile['syn']): readonly Line[] {
  return isErrorOrNull(syn) ? [] : [['SYN', syn.sig]];
}

function unreadable({ error }: InspectError, paint: Paint): string {
  return `${paint('red', 'cannot be read:')} ${error.message} (${error.code})`;
}

/** What a client wrote must not steer the terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g, '·');
}
