/** `sallyport inspect client`: all that a SYN, a ClientHello and a User-Agent tell of one client, and whether they agree. */
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { Core, type HelloProto } from '../../core/core.ts';
import { inspectHello, inspectSyn } from '../../core/inspect.ts';
import { loadCoreModule } from '../../core/module.ts';
import { formatIp, parseIp } from '../../orchestrator/ip.ts';
import { Origins } from '../../profile/address/origins.ts';
import { ClientMatcher } from '../../profile/client-matcher.ts';
import { loadClients } from '../../profile/clients.ts';
import { judgeSystem, judgeTool } from '../../profile/mismatch.ts';
import { StackMatcher } from '../../profile/stack-matcher.ts';
import { loadStacks, OWN_STACKS } from '../../profile/stacks.ts';
import { parseUserAgent } from '../../profile/user-agent.ts';
import { type ClientProfile, clientReport } from '../client-report.ts';
import { type DatabaseFlags, openDatabases } from '../databases.ts';
import { CliError, EXIT } from '../exit.ts';
import { parseHex } from '../lines.ts';
import { chooseFormat, type Format, printDiagnostics, useColor } from '../output.ts';
import { painter } from '../style.ts';
import { formOf } from './inspect.ts';

export interface InspectClientOptions extends DatabaseFlags {
  readonly ip?: string;
  /** Hex, the path of a file, or `-` for standard input. */
  readonly hello?: string;
  readonly syn?: string;
  readonly userAgent?: string;
  readonly proto: HelloProto;
  readonly p0fDb?: string;
  readonly clientTable?: string;
  readonly format?: Format;
}

/** Exit code 1 when something that was given cannot be read. */
export async function inspectClient(options: InspectClientOptions): Promise<number> {
  const { ip, hello, syn, userAgent, clientTable, p0fDb } = options;
  if ([ip, hello, syn, userAgent].every((given) => given === undefined)) {
    throw new CliError('give at least one of --hello, --syn, --user-agent and --ip', EXIT.usage);
  }
  if ([hello, syn, userAgent].filter((source) => source === '-').length > 1) {
    throw new CliError('standard input can be one of --hello, --syn and --user-agent alone', EXIT.usage);
  }
  const clients = loadClients(clientTable ?? null);
  const stacks = loadStacks(p0fDb ?? OWN_STACKS);
  printDiagnostics([...clients.diagnostics, ...stacks.diagnostics], new Map(), 'human');
  if (clients.table === null || stacks.stacks === null) return EXIT.problem;
  const core = new Core(loadCoreModule());
  const shownHello = await helloOf(core, options, new ClientMatcher(clients.table));
  const shownSyn = await synOf(core, options, new StackMatcher(stacks.stacks));
  const text = userAgent === '-' ? (await standardInput()).toString().trim() : userAgent;
  const agent = text === undefined ? null : parseUserAgent(text);
  const profile: ClientProfile = {
    address: ip === undefined ? null : addressOf(ip, options),
    ...shownHello,
    ...shownSyn,
    userAgent: agent && { text: text!, ...agent },
    system: agent && judgeSystem(shownSyn.stack, agent),
    tool: agent && judgeTool(shownHello.client, agent),
  };
  const output =
    chooseFormat(options.format) === 'json'
      ? JSON.stringify(asJson(profile))
      : clientReport(profile, painter(useColor(process.stdout)));
  process.stdout.write(`${output}\n`);
  return isUnreadable(profile.hello) || isUnreadable(profile.syn) ? EXIT.problem : EXIT.ok;
}

function addressOf(text: string, databases: DatabaseFlags): ClientProfile['address'] {
  const address = parseIp(text);
  if (address === null) throw new CliError(`${text} is not an IP address`, EXIT.usage);
  const { ip, isV4 } = address;
  return { ip: formatIp(ip, isV4), ...new Origins(openDatabases(databases)).find(ip, isV4) };
}

async function helloOf(
  core: Core,
  { hello: source, proto }: InspectClientOptions,
  matcher: ClientMatcher,
): Promise<Pick<ClientProfile, 'hello' | 'client'>> {
  if (source === undefined) return { hello: null, client: null };
  const bytes = await bytesOf(source);
  const hello = inspectHello(core, bytes, formOf(bytes), proto);
  const client = 'error' in hello ? null : matcher.match(hello.ja4, { ja4r: hello.ja4_r });
  return { hello, client };
}

async function synOf(
  core: Core,
  { syn: source }: InspectClientOptions,
  matcher: StackMatcher,
): Promise<Pick<ClientProfile, 'syn' | 'stack'>> {
  if (source === undefined) return { syn: null, stack: null };
  const syn = inspectSyn(core, await bytesOf(source));
  return { syn, stack: 'error' in syn ? null : matcher.match(syn.sig, syn.window) };
}

const standardInput = (): Promise<Buffer> => buffer(process.stdin);

/** Bytes or their hex digits, from the line itself, a file or standard input. */
async function bytesOf(source: string): Promise<Uint8Array> {
  const given = parseHex(source);
  if (given !== null) return given;
  const content = source === '-' ? await standardInput() : readFile(source);
  return parseHex(content.toString('latin1').replace(/\s/g, '')) ?? content;
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new CliError(`${path} is neither hex digits nor a file that can be read (${reason})`);
  }
}

function isUnreadable(report: object | null): boolean {
  return report !== null && 'error' in report;
}

/** With the names of facts and of `inspect hello` and `inspect syn`. */
function asJson({ address, hello, client, syn, stack, userAgent, system, tool }: ClientProfile): object {
  return {
    address,
    hello,
    client: client && {
      name: client.name,
      kind: client.kind,
      versions: client.versions,
      library: client.library,
      match: client.level,
      candidates: client.candidates,
    },
    syn: syn && {
      ...syn,
      ...(stack && {
        hops: stack.hops,
        os: stack.os,
        os_family: stack.family,
        os_generic: stack.generic,
        os_fuzzy: stack.fuzzy,
        mtu: stack.mtu,
        link: stack.link,
      }),
    },
    user_agent: userAgent,
    os_mismatch: system,
    tool_mismatch: tool,
  };
}
