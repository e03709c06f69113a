/** `sallyport inspect hello` and `inspect syn`: the fingerprints and fields of first bytes. */
import { Core, type HelloForm, type HelloProto } from '../../core/core.ts';
import { inspectHello, inspectSyn } from '../../core/inspect.ts';
import { loadCoreModule } from '../../core/module.ts';
import { ClientMatcher } from '../../profile/client-matcher.ts';
import { loadClients } from '../../profile/clients.ts';
import { StackMatcher } from '../../profile/stack-matcher.ts';
import { loadStacks, OWN_STACKS } from '../../profile/stacks.ts';
import { EXIT } from '../exit.ts';
import { type Answer, answerLines, failure, parseHex, parseObject } from '../lines.ts';
import { printDiagnostics } from '../output.ts';

/**
 * Reads standard input. Exit code 1 when a line was in error, unless `jsonl`. `clientTable` holds TLS clients over the
 * package's own; null: there is none.
 */
export async function inspectHellos(clientTable: string | null, jsonl: boolean): Promise<number> {
  const { table, diagnostics } = loadClients(clientTable);
  printDiagnostics(diagnostics, new Map(), 'human');
  if (table === null) return EXIT.problem;
  const core = new Core(loadCoreModule());
  const matcher = new ClientMatcher(table);
  return inspectLines((line) => helloAnswer(core, matcher, line), jsonl);
}

/** As `inspectHellos`; `database` holds signatures in p0f's format, null stands for the package's own. */
export async function inspectSyns(database: string | null, jsonl: boolean): Promise<number> {
  const { stacks, diagnostics } = loadStacks(database ?? OWN_STACKS);
  printDiagnostics(diagnostics, new Map(), 'human');
  if (stacks === null) return EXIT.problem;
  const core = new Core(loadCoreModule());
  const matcher = new StackMatcher(stacks);
  return inspectLines((line) => synAnswer(core, matcher, line), jsonl);
}

export async function inspectLines(answer: (line: string) => Answer, jsonl: boolean): Promise<number> {
  const failed = await answerLines(answer, { pretty: !jsonl && process.stdout.isTTY === true });
  return failed > 0 && !jsonl ? EXIT.problem : EXIT.ok;
}

function helloAnswer(core: Core, matcher: ClientMatcher, line: string): Answer {
  const input = line.startsWith('{') ? parseObject(line) : { hex: line };
  if (input === null) return failure('bad_input', 'the line is neither hex nor a JSON object');
  const proto = input.proto ?? 'tls';
  if (!isProtocol(proto)) return failure('bad_input', '`proto` is tls, dtls or quic');
  const bytes = parseHex(input.hex ?? input.record_hex ?? input.handshake_hex);
  if (bytes === null) return failure('bad_input', '`record_hex` or `handshake_hex` must be hex digits');
  const form =
    input.hex === undefined && input.record_hex === undefined ? 'handshake' : formOf(bytes, input.hex);
  const report = inspectHello(core, bytes, form, proto);
  if ('error' in report) return { ...report };
  const match = matcher.match(report.ja4, { ja4r: report.ja4_r });
  return {
    ...report,
    client: match?.name ?? null,
    client_kind: match?.kind ?? null,
    client_versions: match?.versions ?? null,
    client_match: match?.level ?? null,
  };
}

function synAnswer(core: Core, matcher: StackMatcher, line: string): Answer {
  const input = line.startsWith('{') ? parseObject(line) : { ip_hex: line };
  const bytes = parseHex(input?.ip_hex);
  if (bytes === null) return failure('bad_input', 'a line is hex, or an object with hex in `ip_hex`');
  return describeSyn(core, matcher, bytes);
}

/** The fields of a SYN and what they tell of its sender. */
export function describeSyn(core: Core, matcher: StackMatcher, bytes: Uint8Array): Answer {
  const report = inspectSyn(core, bytes);
  if ('error' in report) return { ...report };
  const { os, family, generic, fuzzy, hops, mtu, link } = matcher.match(report.sig, report.window);
  return { ...report, hops, os, os_family: family, os_generic: generic, os_fuzzy: fuzzy, mtu, link };
}

export function isProtocol(value: unknown): value is HelloProto {
  return value === 'tls' || value === 'dtls' || value === 'quic';
}

/** Bare hex says what it is by its first byte: 1 is a client_hello (RFC 8446 section 4), 22 a handshake record. */
export function formOf(bytes: Uint8Array, bareHex: unknown = true): HelloForm {
  return bareHex !== undefined && bytes[0] === 1 ? 'handshake' : 'records';
}
