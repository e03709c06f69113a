/**
 * From a policy file to a bundle that every worker can load: read, compile, run the in-file tests,
 * read feeds and secrets, encode, and prove that the decision core takes it. Nothing is half done: the
 * answer is a whole bundle, or none and the reasons.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Core } from '../core/core.ts';
import { encodeProgram, encodeTables, FeedError } from '../core/image.ts';
import { loadCoreModule } from '../core/module.ts';
import { statusName } from '../core/status.ts';
import { loadTrust } from '../identity/trust.ts';
import type { RemoteFeed } from '../intel/refresh.ts';
import type { FeedSettings } from '../intel/settings.ts';
import { compile, type SourceFile } from '../pdl/compile/compile.ts';
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';
import type { Program } from '../pdl/ir.ts';
import type { TestResult } from '../pdl/testing/test-run.ts';
import { loadClients } from '../profile/clients.ts';
import { loadStacks, OWN_STACKS } from '../profile/stacks.ts';
import type { Bundle } from './bundle.ts';
import { harmfulFeeds } from './feed-uses.ts';
import { type FoundFeed, feedProblem, isRemote, type LoadedFeeds, loadFeeds } from './feeds.ts';
import { checkHost, type Host } from './host.ts';
import { checkPassthrough } from './host-passthrough.ts';
import { runPolicyTests } from './policy-tests.ts';
import { loadSecrets } from './secrets.ts';
import { hostTarget } from './target.ts';

/** A larger policy file is refused unread. */
export const MAX_POLICY_BYTES: number = 1024 * 1024;

export interface CompileRequest {
  /** Path of the policy file. */
  readonly path: string;
  /** What the configuration offers; null when there is none to check against. */
  readonly host: Host | null;
  /**
   * `serve`: the bundle must be whole. `check`: secrets are not read (`bundle.secrets` is empty), and a
   * feed whose file is missing is a warning and taken as empty.
   */
  readonly purpose: 'serve' | 'check';
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of a database of TCP/IP stacks, in p0f's format; the package's own when null or absent. */
  readonly stacks?: string | null;
  /** Path of a table of TLS clients over the package's own; null or absent: there is none. */
  readonly clients?: string | null;
  /** Judge each test on both sides of the canaries instead of the client's own. */
  readonly bothArms?: boolean;
  /** What the configuration says of feeds; without it nothing that is fetched has members. */
  readonly feeds?: FeedSettings;
}

export interface CompileOutcome {
  /** Null exactly when `diagnostics` holds an error. */
  readonly bundle: Bundle | null;
  readonly diagnostics: readonly Diagnostic[];
  /** Text of every file that was read, by path, to show diagnostics with. */
  readonly sources: ReadonlyMap<string, string>;
  /** Modification times of trust and revocation lists that were read, by path. */
  readonly trustTimes: ReadonlyMap<string, number>;
  /** How each of the policy's feeds was found. */
  readonly feeds: readonly FoundFeed[];
  /** The policy's feeds that are fetched; empty unless it is compiled to serve. */
  readonly remoteFeeds: readonly RemoteFeed[];
  /** How the tests in the file went; empty when it could not be compiled. */
  readonly tests: readonly TestResult[];
}

const hasError = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some((entry) => entry.severity === 'error');

/** The text of a policy file, or why it cannot be read. */
export function readSource(path: string): SourceFile | Diagnostic {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > MAX_POLICY_BYTES) {
      const message = `the file is ${bytes.length} bytes long; at most ${MAX_POLICY_BYTES} are read`;
      return fileProblem(path, 'FILE-002', message, 'split it with import');
    }
    return { path, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'not UTF-8';
    return fileProblem(
      path,
      'FILE-001',
      `the policy cannot be read (${reason})`,
      'check the path and its rights',
    );
  }
}

/** Tables from feeds; a member that cannot be read becomes a diagnostic at its line. */
function encodeFeeds(program: Program, feeds: LoadedFeeds, diagnostics: Diagnostic[]): Uint8Array | null {
  try {
    return encodeTables(program, feeds.members);
  } catch (error) {
    if (!(error instanceof FeedError)) throw error;
    // why: members written in the policy were checked by its compiler; only a feed's can fail here.
    if (error.feed === null) throw error;
    const feed = program.feeds[error.feed]!;
    const line = feeds.lines.get(error.feed)?.[error.index] ?? 1;
    diagnostics.push(feedProblem(feed, 'FEED-002', line, error.message, 'correct or remove the line'));
    return null;
  }
}

/** Bytes that all threads read where they are: copying a large feed would stall each of their loops. */
function shareBytes(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

/** Loads what was encoded into a core of our own, as every worker will. */
function verify(core: Core, image: Uint8Array, tables: Uint8Array, file: string): Diagnostic[] {
  for (const status of [core.loadTables(tables), core.loadImage(image)]) {
    if (status < 0) {
      const message = `the decision core refuses the compiled policy: ${statusName(status)}`;
      return [
        fileProblem(file, 'IMAGE-001', message, 'please report this: the compiler made an image it must not'),
      ];
    }
  }
  return [];
}

/** Reads and compiles a policy file. Never throws for what the files hold. */
export function compilePolicyFile(request: CompileRequest): CompileOutcome {
  const path = resolve(request.path);
  const sources = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  let remoteFeeds: readonly RemoteFeed[] = [];
  const failed = (tests: readonly TestResult[] = []): CompileOutcome => ({
    bundle: null,
    diagnostics,
    sources,
    feeds: [],
    trustTimes: new Map(),
    remoteFeeds,
    tests,
  });
  const open = (file: string): SourceFile | null => {
    const source = readSource(file);
    if ('code' in source) {
      diagnostics.push(source);
      return null;
    }
    sources.set(file, source.text);
    return source;
  };
  const entry = open(path);
  if (entry === null) return failed();
  const load = (imported: string, from: string): SourceFile | null => open(resolve(dirname(from), imported));
  const compiled = compile(entry, load, {
    now: Date.now(),
    target: hostTarget(),
  });
  diagnostics.push(...compiled.diagnostics);
  const { program } = compiled;
  if (program === null || hasError(diagnostics)) return failed();
  if (request.purpose === 'serve') diagnostics.push(...compiled.needs);

  if (request.host) {
    const { passthrough: names } = request.host;
    diagnostics.push(...checkHost(program, request.host, path));
    diagnostics.push(...checkPassthrough({ program, termination: compiled.termination, names, file: path }));
  }
  const feeds = loadFeeds(program, request.purpose, request.feeds ?? null);
  diagnostics.push(...feeds.diagnostics);
  const trust = loadTrust(program, request.purpose, Date.now());
  diagnostics.push(...trust.diagnostics);
  const tables = encodeFeeds(program, feeds, diagnostics);
  const { image, imageId } = encodeProgram(program);
  const core = new Core(loadCoreModule());
  const tests = runPolicyTests(core, program, image, compiled.tests, request.bothArms);
  diagnostics.push(...tests.flatMap((test) => test.diagnostics));
  const { secrets, diagnostics: secretProblems } =
    request.purpose === 'serve' ? loadSecrets(program, request.env) : { secrets: [], diagnostics: [] };
  diagnostics.push(...secretProblems);
  const { stacks, diagnostics: stackProblems } = loadStacks(request.stacks ?? OWN_STACKS);
  diagnostics.push(...stackProblems);
  const { table: clients, diagnostics: clientProblems } = loadClients(request.clients ?? null);
  diagnostics.push(...clientProblems);
  if (request.purpose === 'serve' && secretProblems.length === 0) {
    const harmful = harmfulFeeds(program);
    remoteFeeds = program.feeds.flatMap((feed, index) => {
      if (!isRemote(feed)) return [];
      return {
        feed,
        secret: feed.auth === undefined ? null : secrets[feed.auth]!,
        harms: harmful.has(index),
      };
    });
  }
  if (tables === null || stacks === null || clients === null || hasError(diagnostics)) return failed(tests);
  diagnostics.push(...verify(core, image, tables, path));
  if (hasError(diagnostics)) return failed(tests);
  return {
    bundle: {
      program,
      image,
      imageId,
      tables: shareBytes(tables),
      secrets,
      stacks,
      clients,
      trust: trust.lists,
    },
    diagnostics,
    sources,
    feeds: feeds.found,
    trustTimes: trust.times,
    remoteFeeds,
    tests,
  };
}
