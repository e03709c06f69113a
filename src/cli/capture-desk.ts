/** What there is to say of one TLS connection of a capture, as an object and as a line of a table. */
import { Core } from '../core/core.ts';
import { type HelloReport, inspectHello } from '../core/inspect.ts';
import { loadCoreModule } from '../core/module.ts';
import { formatIp } from '../orchestrator/ip.ts';
import type { Endpoint, TlsBeginning } from '../pcap/connections.ts';
import { type OriginDatabases, Origins } from '../profile/address/origins.ts';
import type { ClientMatcher } from '../profile/client-matcher.ts';
import type { StackMatcher } from '../profile/stack-matcher.ts';
import type { DecisionDesk } from './commands/decide.ts';
import { describeSyn } from './commands/inspect.ts';
import type { Answer } from './lines.ts';
import type { Paint } from './style.ts';

/** One line of `--format json`. */
export interface CaptureRow {
  readonly time: string;
  readonly client: {
    readonly ip: string;
    readonly port: number;
    readonly country: string | null;
    readonly asn: number | null;
  };
  readonly server: { readonly ip: string; readonly port: number };
  /** As `inspect syn` says; null when the SYN was not captured. */
  readonly syn: Answer | null;
  /** `complete`, `incomplete`, or what is wrong with it. */
  readonly hello_status: string;
  /** Bytes that the client sent before TLS began. */
  readonly bytes_before: number;
  readonly sni: string | null;
  readonly alpn: readonly string[];
  /** As on the wire. */
  readonly max_version: number | null;
  readonly ja3: string | null;
  readonly ja3_hash: string | null;
  readonly ja4: string | null;
  /** The program, by the table of TLS clients. */
  readonly client_name: string | null;
  readonly client_kind: string | null;
  readonly client_versions: string | null;
  /** How sure that is. */
  readonly client_match: string | null;
  /** As `decide` says; null without a policy, or without a whole hello. */
  readonly decision: Answer | null;
}

export interface CaptureDeskOptions {
  readonly matcher: StackMatcher;
  readonly clients: ClientMatcher;
  readonly databases: OriginDatabases;
  /** Null: nothing is decided. */
  readonly desk: DecisionDesk | null;
}

export class CaptureDesk {
  readonly #core = new Core(loadCoreModule());
  readonly #matcher: StackMatcher;
  readonly #clients: ClientMatcher;
  readonly #origins: Origins;
  readonly #desk: DecisionDesk | null;

  constructor({ matcher, clients, databases, desk }: CaptureDeskOptions) {
    this.#matcher = matcher;
    this.#clients = clients;
    this.#origins = new Origins(databases);
    this.#desk = desk;
  }

  /** 0: a whole ClientHello, 1: more is needed, negative: not one. */
  parse(bytes: Uint8Array, length: number): number {
    return this.#core.parse(bytes, 0, length, 'records', 'tls');
  }

  describe(beginning: TlsBeginning): CaptureRow {
    const { timeMs, client, server, syn, hello, isComplete, before } = beginning;
    const { country, asn } = this.#origins.find(client.ip, client.isV4);
    const report = isComplete ? inspectHello(this.#core, hello, 'records', 'tls') : null;
    const known = report === null || 'error' in report ? null : report;
    const program = known && this.#clients.match(known.ja4, { ja4r: known.ja4_r });
    return {
      time: new Date(timeMs).toISOString(),
      client: { ...endpoint(client), country, asn },
      server: endpoint(server),
      syn: syn && describeSyn(this.#core, this.#matcher, syn),
      hello_status: statusOf(report),
      bytes_before: before,
      sni: known?.sni ?? null,
      alpn: known?.alpn ?? [],
      max_version: known?.max_version ?? null,
      ja3: known?.ja3 ?? null,
      ja3_hash: known?.ja3_hash ?? null,
      ja4: known?.ja4 ?? null,
      client_name: program?.name ?? null,
      client_kind: program?.kind ?? null,
      client_versions: program?.versions ?? null,
      client_match: program?.level ?? null,
      decision: known && this.#decide(beginning),
    };
  }

  #decide({ timeMs, client, syn, hello }: TlsBeginning): Answer | null {
    return (
      this.#desk?.answerTo({
        hello: Buffer.from(hello).toString('hex'),
        ip: formatIp(client.ip, client.isV4),
        syn: syn && Buffer.from(syn).toString('hex'),
        time: new Date(timeMs).toISOString(),
        facts: { 'conn.port': client.port },
      }) ?? null
    );
  }
}

function endpoint({ ip, isV4, port }: Endpoint): { ip: string; port: number } {
  return { ip: formatIp(ip, isV4), port };
}

function statusOf(report: HelloReport | { readonly error: { readonly code: string } } | null): string {
  if (report === null) return 'incomplete';
  if ('error' in report) return report.error.code;
  return report.violation?.code ?? 'complete';
}

const WIDTHS = { time: 12, client: 28, server: 22, sni: 28, os: 20, program: 16, ja4: 36 } as const;

/** The line above the rows; `decided` adds a column. */
export function tableHead(paint: Paint, decided: boolean): string {
  const cells = [
    'TIME'.padEnd(WIDTHS.time),
    'CLIENT'.padEnd(WIDTHS.client),
    'SERVER'.padEnd(WIDTHS.server),
    'NAME ASKED FOR'.padEnd(WIDTHS.sni),
    'SYSTEM (SYN)'.padEnd(WIDTHS.os),
    'PROGRAM'.padEnd(WIDTHS.program),
    'JA4'.padEnd(WIDTHS.ja4),
    ...(decided ? ['DECISION'] : []),
  ];
  return paint('bold', cells.join('  ').trimEnd());
}

/** A row for people; what clients wrote is shown without control characters. */
export function tableRow(row: CaptureRow, paint: Paint): string {
  const { client, server, syn, decision } = row;
  const origin = client.country === null ? '' : ` ${client.country}`;
  const os =
    typeof syn?.os === 'string' ? `${syn.os_fuzzy === true ? '~' : ''}${syn.os}` : syn === null ? '–' : '?';
  return [
    paint('dim', fit(row.time.slice(11, 23), WIDTHS.time)),
    fit(`${address(client)}${origin}`, WIDTHS.client),
    fit(address(server), WIDTHS.server),
    fit(row.sni ?? '–', WIDTHS.sni),
    fit(os, WIDTHS.os),
    fit(
      row.client_name === null ? '–' : `${row.client_match === 'exact' ? '' : '~'}${row.client_name}`,
      WIDTHS.program,
    ),
    row.ja4 === null ? paint('red', fit(row.hello_status, WIDTHS.ja4)) : fit(row.ja4, WIDTHS.ja4),
    ...(decision === null ? [] : [verdict(decision, paint)]),
  ]
    .join('  ')
    .trimEnd();
}

function verdict(decision: Answer, paint: Paint): string {
  const { error, action, policy, score } = decision as { readonly [key: string]: unknown };
  if (error !== undefined) return paint('yellow', (error as { readonly code: string }).code);
  const text = `${action} ${policy ?? ''} (${score})`.replace('  ', ' ');
  return paint(action === 'accept' ? 'green' : 'red', text);
}

function address({ ip, port }: { readonly ip: string; readonly port: number }): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function fit(text: string, width: number): string {
  const printable = text.replaceAll(/[^\x20-\x7e–]/g, '?');
  return printable.length > width ? `${printable.slice(0, width - 1)}…` : printable.padEnd(width);
}
