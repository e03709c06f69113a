/** A real edge for tests: sockets, certificate, policy, upstream and audit log, all its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { stringify } from 'yaml';
import { parseConfig } from '../../src/config/load.ts';
import { type Supervisor, startSupervisor } from '../../src/edge/supervisor.ts';
import { createLog } from '../../src/observe/log.ts';
import { makeCertificate, type PemPair } from './certificate.ts';

/** One site for each thing an edge can do, by server name; anything else is served. */
export const ACTIONS_POLICY = `pdl 1
import "std/tls" as tls
secret puzzle_key from env "SALLYPORT_TEST_PUZZLE_KEY"
feed blocked of cidr from file "blocked.txt" { }
counter failures per conn.ip (v4 32, v6 64) window 10s of failure
limit few { per conn.ip (v4 32, v6 56), hello.sni  allow 1/h burst 2  then reset }
score none {
  clamp 0..100
  group reputation cap 100 { signal listed +100 when conn.ip in blocked }
}
challenge puzzle {
  kind pow  algorithm sha256_bits  difficulty 8  solve_within 30s
  clears for 1h per conn.ip (v4 32, v6 64), hello.ja4  secret puzzle_key
}
policy served  extends tls.intermediate { }
policy modern  extends tls.modern { }
policy limited extends served { limits [ few ] }
policy puzzled extends served { challenge puzzle  rank 10 }
policy refused extends served { action refuse alert access_denied  rank 90 }
policy reset   extends served { action reset  rank 91 }
policy dropped extends served { action drop  rank 92 }
policy held    extends served { action tarpit 300ms  rank 89 }
site other   { listen edge  sni any                 score none  ladder { from 0 use served  from 51 use refused }  on_error use refused }
site modern  { listen edge  sni { "modern.test" }   score none  ladder { from 0 use modern }   on_error use refused }
site limited { listen edge  sni { "limited.test" }  score none  ladder { from 0 use limited }  on_error use refused }
site puzzled { listen edge  sni { "puzzle.test" }   score none  ladder { from 0 use puzzled }  on_error use refused }
site refused { listen edge  sni { "refused.test" }  score none  ladder { from 0 use refused }  on_error use refused }
site reset   { listen edge  sni { "reset.test" }    score none  ladder { from 0 use reset }    on_error use refused }
site dropped { listen edge  sni { "dropped.test" }  score none  ladder { from 0 use dropped }  on_error use refused }
site held    { listen edge  sni { "held.test" }     score none  ladder { from 0 use held }     on_error use refused }
`;

/** The parts of an audit line that tests read. */
export interface AuditLine {
  readonly event: { readonly id: string; readonly action: string; readonly duration: number };
  readonly error: { readonly message: string | null };
  readonly source: {
    readonly ip: string;
    readonly port: number;
    readonly bytes: number;
    readonly geo: { readonly country_iso_code: string | null };
    readonly as: { readonly number: number | null; readonly organization: { readonly name: string | null } };
  };
  readonly destination: { readonly bytes: number };
  readonly tls: {
    readonly established: boolean;
    readonly version: string | null;
    readonly cipher: string | null;
    readonly curve: string | null;
    readonly resumed: boolean | null;
    readonly next_protocol: string | null;
    readonly client: {
      readonly server_name: string | null;
      readonly subject?: string;
      readonly hash?: { readonly sha256: string };
    };
  };
  readonly user_agent: { readonly original: string | null };
  readonly rule: { readonly name: string | null; readonly ruleset: string | null; readonly version: string };
  readonly risk: { readonly calculated_score: number | null };
  readonly sallyport: {
    readonly worker: number;
    readonly epoch: number;
    readonly action: string | null;
    readonly tier: string | null;
    readonly alert: string | null;
    readonly matched: readonly string[];
    readonly canary: readonly { readonly name: string; readonly arm: 'canary' | 'rest' }[];
    readonly would_match: readonly string[];
    readonly would_decide: {
      readonly policy: string | null;
      readonly action: string;
      readonly tier: string;
      readonly score: number;
    } | null;
    readonly challenge: { readonly name: string; readonly outcome: string } | null;
    readonly certificate: string | null;
    readonly hello: {
      readonly status: string | null;
      readonly ja4: string | null;
      readonly records: number | null;
      readonly client: string | null;
      readonly client_kind: string | null;
      readonly client_versions: string | null;
    };
    readonly proxy: string | null;
    readonly syn: string | null;
    readonly os: string | null;
    readonly os_family: string | null;
    readonly hops: number | null;
    readonly mtu: number | null;
    readonly link: string | null;
    readonly rtt_us: number | null;
    readonly http: {
      readonly requests: number;
      readonly challenged: number;
      readonly h2: string | null;
      readonly os_mismatch: boolean | null;
      readonly tool_mismatch: boolean | null;
    } | null;
  };
}

export interface TestEdgeOptions {
  readonly policy?: string;
  /** Called with the edge's directory before it starts. */
  readonly prepare?: (directory: string) => void;
  readonly threads?: number;
  readonly limits?: Readonly<Record<string, number | string>>;
  /** YAML of the upstream, instead of an HTTP server that echoes the request as JSON. */
  readonly upstream?: Readonly<Record<string, unknown>>;
  readonly listener?: Readonly<Record<string, unknown>>;
  /** YAML of upstreams beside `app`, by name. */
  readonly upstreams?: Readonly<Record<string, unknown>>;
  readonly metrics?: boolean;
  /** More files of the edge's directory, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** YAML of `tls`. */
  readonly tls?: Readonly<Record<string, unknown>>;
  /** More certificates, by the names under which `listener.certificates` may list them. */
  readonly certificates?: Readonly<Record<string, PemPair>>;
  /** Further settings of the top level. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** YAML of `feeds`. */
  readonly feeds?: Readonly<Record<string, unknown>>;
  /** Port of the admin API; left out: none. */
  readonly adminPort?: number;
  /** That of an edge which was stopped, to start after it; else one of its own. */
  readonly directory?: string;
  /** YAML of `geo`. */
  readonly geo?: Readonly<Record<string, unknown>>;
  /** Text of `networks.txt`, for a policy with a feed of it. */
  readonly networks?: string;
  /** Takes the lines of the process log from warnings on; left out: nobody does. */
  readonly log?: (line: string) => void;
}

export interface TestEdge {
  readonly edge: Supervisor;
  readonly port: number;
  readonly directory: string;
  /** PEM of the certificate that every name of the policy is served with. */
  readonly ca: string;
  readonly caFile: string;
  /** Connections open, of all workers. */
  open(): number;
  /** A bare TCP connection to the edge; errors are swallowed. */
  connect(): Socket;
  lines(): AuditLine[];
  /** The first audit line that `match` likes; waits for it. */
  line(match?: (line: AuditLine) => boolean): Promise<AuditLine>;
  /** Writes a file of the edge's directory, such as `policy.pdl` or `blocked.txt`. */
  write(name: string, text: string): void;
}

/** Clients do not take a wildcard right under a top-level domain, so each name is listed. */
export const TEST_NAMES: readonly string[] = [
  'localhost',
  ...['other', 'modern', 'limited', 'puzzle', 'refused', 'reset', 'dropped', 'held'].map(
    (name) => `${name}.test`,
  ),
];
const PUZZLE_KEY = 'an example key that is long enough';
const PATIENCE_MS = 10_000;

function logTo(write: TestEdgeOptions['log']): Logger {
  return write === undefined ? createLog('silent') : pino({ level: 'warn' }, { write });
}

/** Answers every request with what it received, as JSON. */
export async function startEchoUpstream(t: TestContext): Promise<number> {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
    });
  });
  server.on('upgrade', (_request, socket, head) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.write(head);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export async function startTestEdge(t: TestContext, options: TestEdgeOptions = {}): Promise<TestEdge> {
  process.env.SALLYPORT_TEST_PUZZLE_KEY = PUZZLE_KEY;
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'sallyport-test-'));
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
  const pair = await makeCertificate({ names: TEST_NAMES });
  write('cert.pem', pair.certificate);
  write('key.pem', pair.key);
  const more = Object.entries(options.certificates ?? {});
  for (const [name, { certificate, key }] of more) {
    write(`${name}.pem`, certificate);
    write(`${name}.key`, key);
  }
  write('policy.pdl', options.policy ?? ACTIONS_POLICY);
  write('blocked.txt', '# nobody\n');
  for (const [name, content] of Object.entries(options.files ?? {})) write(name, content);
  options.prepare?.(directory);
  write('networks.txt', options.networks ?? '');
  const upstream = options.upstream ?? {
    protocol: 'http',
    url: `http://127.0.0.1:${await startEchoUpstream(t)}`,
  };
  const text = stringify({
    version: 1,
    policy: 'policy.pdl',
    threads: options.threads ?? 0,
    listeners: [
      {
        name: 'edge',
        address: '127.0.0.1:0',
        certificates: ['default'],
        upstream: 'app',
        ...options.listener,
      },
    ],
    certificates: {
      default: { certificate: 'cert.pem', key: 'key.pem' },
      ...Object.fromEntries(more.map(([name]) => [name, { certificate: `${name}.pem`, key: `${name}.key` }])),
    },
    tls: options.tls ?? {},
    upstreams: { app: upstream, ...options.upstreams },
    limits: options.limits ?? {},
    feeds: options.feeds ?? {},
    geo: options.geo ?? {},
    admin: options.adminPort === undefined ? false : { address: `127.0.0.1:${options.adminPort}` },
    metrics: options.metrics ? { address: '127.0.0.1:0' } : false,
    audit: { file: 'audit.jsonl' },
    ...options.config,
  });
  const loaded = parseConfig(join(directory, 'sallyport.yaml'), text, {}, {});
  if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems, null, 2));
  const edge = await startSupervisor({ config: loaded.config, log: logTo(options.log) });
  t.after(async () => {
    await edge.stop();
    if (options.directory === undefined) rmSync(directory, { recursive: true });
  });
  const { port } = edge.addresses[0]!;
  const lines = (): AuditLine[] => {
    const file = readFileSync(join(directory, 'audit.jsonl'), 'utf8');
    return file
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AuditLine);
  };
  return {
    edge,
    port,
    directory,
    ca: pair.certificate,
    caFile: join(directory, 'cert.pem'),
    open: () => (edge.status() as { readonly connections: number }).connections,
    connect: () => connect(port, '127.0.0.1').on('error', () => {}),
    lines,
    line: async (match = () => true) => {
      for (const start = Date.now(); Date.now() - start < PATIENCE_MS; await delay(10)) {
        const found = lines().find(match);
        if (found) return found;
      }
      throw new Error(`no such audit line; there are: ${JSON.stringify(lines(), null, 1)}`);
    },
    write,
  };
}
