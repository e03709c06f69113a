/** The verbs and their flags. Each verb's work is in `commands/`, loaded only when it runs. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Flags } from '../config/overrides.ts';
import type { BenchOptions } from './commands/bench.ts';
import type { CheckFormat } from './commands/check.ts';
import type { ConnectFlags } from './commands/connect.ts';
import type { TableFlags } from './commands/decide.ts';
import type { ModeOptions } from './commands/mode.ts';
import type { WatchOptions } from './commands/watch.ts';
import { CliError, EXIT } from './exit.ts';
import { addFeedVerbs, FEED_EXAMPLES } from './feed-verbs.ts';
import { addInspectVerbs, INSPECT_EXAMPLES } from './inspect-verbs.ts';
import {
  CLIENT_TABLE,
  configOption,
  formatOption,
  jsonlOption,
  withAdmin,
  withDatabases,
} from './options.ts';
import type { Format } from './output.ts';
import { packageVersion } from './package.ts';
import { addPolicyVerbs } from './policy-verbs.ts';

/** Runs one command line; resolves with the exit code (0 ok, 1 problem, 2 wrong usage). */
export async function main(args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  // why: a reader such as `head` may go away early; that is its right, and no error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const program = buildProgram((result) => {
    code = result;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CliError)) throw error;
    process.stderr.write(`sallyport: ${error.message}\n`);
    return error.exitCode;
  }
}

/** Longest time of `watch --seconds`: a day. */
const MAX_SECONDS = 86_400;

interface RunOptions extends Flags {
  readonly config: string;
  readonly demo?: true;
}

/** The verbs; `done` takes the exit code of the one that ran. */
export function buildProgram(done: (code: number) => void): Command {
  const program = new Command('sallyport')
    .description('A TLS edge that decides how each handshake is done, before any TLS work is spent on it.')
    .version(packageVersion())
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .showSuggestionAfterError()
    .helpCommand(false)
    .addHelpText('after', EXAMPLES);

  const verb = (name: string, description: string, examples: string): Command =>
    program
      .command(name)
      .description(description)
      .exitOverride()
      .addHelpText('after', `\nExamples:\n${examples}`);

  verb(
    'init',
    'Write a commented sallyport.yaml and policy.pdl; nothing that exists is overwritten.',
    '  sallyport init\n  sallyport init --directory /etc/sallyport\n',
  )
    .option('--directory <path>', 'where to write', '.')
    .action(async ({ directory }: { directory: string }) => {
      const { init } = await import('./commands/init.ts');
      done(init(directory));
    });

  withOverrides(
    verb(
      'run',
      'Start the edge.',
      '  sallyport run --config /etc/sallyport/sallyport.yaml\n  sallyport run --demo\n' +
        '\nSignals: HUP reloads the policy, USR1 reopens the audit log, TERM drains and stops\n' +
        '(a second one stops now), INT drains quickly, QUIT stops now.\n',
    )
      .addOption(configOption())
      .option('--demo', 'make a certificate, a policy and an upstream under .sallyport/ and serve them'),
  ).action(async (options: RunOptions) => {
    const { run } = await import('./commands/run.ts');
    done(await run(options.config, options.demo === true, options));
  });

  verb(
    'check',
    'Check policies and configurations, and run the tests in policies.',
    '  sallyport check policy.pdl\n  sallyport check sallyport.yaml --format json | jq .message\n' +
      '  sallyport check policies/*.pdl --format sarif > findings.sarif\n',
  )
    .argument('<files...>', '.pdl files are policies, .yaml and .yml files configurations')
    .addOption(formatOption('human', 'json', 'sarif'))
    .action(async (files: string[], { format }: { format?: CheckFormat }) => {
      const { check } = await import('./commands/check.ts');
      done(check(files, format));
    });

  verb(
    'fmt',
    'Bring policies into their canonical form.',
    '  sallyport fmt policy.pdl\n  sallyport fmt --check policies/*.pdl\n  sallyport fmt < policy.pdl\n',
  )
    .argument('[files...]', 'policies, rewritten in place; none or - reads standard input')
    .option('--check', 'write nothing, and name the files that are not in canonical form')
    .addOption(formatOption())
    .action(async (files: string[], { check, format }: { check?: true; format?: Format }) => {
      const { fmt } = await import('./commands/fmt.ts');
      done(await fmt(files, { check: check === true, format }));
    });

  addPolicyVerbs(verb, done);

  verb(
    'lsp',
    'Serve editors that speak the Language Server Protocol, over standard input and output.',
    '  sallyport lsp --stdio\n',
  )
    .option('--stdio', 'what it does anyway; many editors pass it')
    .action(async () => {
      const { lsp } = await import('./commands/lsp.ts');
      await lsp();
    });

  withDatabases(
    verb(
      'decide',
      'Say what a policy decides about clients described on standard input, one JSON object a line.',
      '  echo \'{"hello":"1603010…","ip":"203.0.113.7"}\' | sallyport decide --policy policy.pdl\n' +
        '  sallyport decide --policy policy.pdl --jsonl < clients.jsonl\n',
    ),
  )
    .requiredOption('--policy <file>', 'the policy')
    .option('--client-table <file>', CLIENT_TABLE)
    .option('--site <name>', 'decide for this site whatever name the client asks for')
    .addOption(jsonlOption())
    .action(async (options: TableFlags & { policy: string; site?: string; jsonl?: true }) => {
      const { decide } = await import('./commands/decide.ts');
      done(await decide(options.policy, options.site ?? null, options.jsonl === true, options));
    });

  addInspectVerbs(verb('inspect', 'Show what is in the bytes a client sends first.', INSPECT_EXAMPLES), done);

  withAdmin(
    verb(
      'reload',
      'Have a running edge read its policy again, through the admin API.',
      '  sallyport reload\n  sallyport reload --config .sallyport/sallyport.yaml --format json\n',
    )
      .addOption(configOption())
      .addOption(formatOption()),
  ).action(
    async (options: { config: string; format?: Format; adminAddress?: string; tokenFile?: string }) => {
      const { reload } = await import('./commands/reload.ts');
      done(await reload(options));
    },
  );

  withAdmin(
    verb(
      'mode',
      'Show the modes of a running edge, or hold one of them in a state.',
      '  sallyport mode\n  sallyport mode posture siege\n  sallyport mode posture auto   # by its conditions again\n',
    )
      .argument('[name]', 'the mode, as the policy calls it')
      .argument('[state]', 'a state of it, or auto')
      .addOption(configOption())
      .addOption(formatOption()),
  ).action(async (name: string | undefined, state: string | undefined, options: ModeOptions) => {
    const { mode } = await import('./commands/mode.ts');
    done(await mode(name, state, options));
  });

  addFeedVerbs(
    verb('feed', 'Look at feeds and refresh them.', FEED_EXAMPLES),
    (command) => withAdmin(command.addOption(configOption())),
    done,
  );
  verb(
    'connect',
    'Connect as a TLS client that solves puzzles, and say what was negotiated and what it cost.',
    '  sallyport connect example.com:443\n  sallyport connect 127.0.0.1:8443 --servername localhost --ca .sallyport/ca.pem\n' +
      "  printf 'GET / HTTP/1.0\\r\\n\\r\\n' | sallyport connect example.com:443 --pipe\n",
  )
    .argument('<host:port>', 'where to; an IPv6 address in brackets')
    .option('--servername <name>', 'the server name to send, and to check the certificate for')
    .option('--ca <file>', 'PEM certificates to trust instead of the usual ones')
    .option('--cert <file>', 'PEM certificate to show, with its chain')
    .option('--key <file>', 'PEM key of that certificate')
    .option('--alpn <names>', 'protocols to offer, separated by commas')
    .option('--insecure', 'do not check the certificate')
    .option('--max-difficulty <bits>', 'leading zero bits beyond which a puzzle is refused', '24')
    .option('--puzzle-extension <type>', 'type of the extension that carries puzzles', '0xff6a')
    .option('--timeout <time>', 'for everything up to the end of the handshake', '30s')
    .option('--pipe', 'join the connection to standard input and output; the report goes to standard error')
    .addOption(formatOption())
    .action(async (target: string, flags: ConnectFlags) => {
      const { connect } = await import('./commands/connect.ts');
      done(await connect(target, flags));
    });

  withAdmin(
    verb(
      'watch',
      'Show live what goes on at a running edge: rates, outcomes, scores, clients, and who is turned away.',
      '  sallyport watch\n  sallyport watch --format json | jq \'select(.type == "connection" and .outcome != "served")\'\n' +
        '  sallyport watch --seconds 60 --format json > minute.jsonl\n\nCtrl-C ends it.\n',
    )
      .addOption(configOption())
      .addOption(new Option('--seconds <count>', 'end by itself after so many').argParser(secondsOf))
      .addOption(formatOption()),
  ).action(async (options: WatchOptions) => {
    const { watch } = await import('./commands/watch.ts');
    done(await watch(options));
  });

  verb('audit', 'Work with audit logs.', AUDIT_EXAMPLES)
    .command('verify')
    .description('Check the hash chain of a log: no line was changed, none is missing.')
    .exitOverride()
    .addHelpText('after', `\nExamples:\n${AUDIT_EXAMPLES}`)
    .argument('<file>', 'the log')
    .addOption(formatOption())
    .action(async (file: string, { format }: { format?: Format }) => {
      const { verifyAudit } = await import('./commands/audit.ts');
      done(await verifyAudit(file, format));
    });

  verb(
    'bench',
    'Measure the hot paths on this machine.',
    '  sallyport bench\n  sallyport bench --time 2000 --prefixes 1000000\n' +
      "  sallyport bench --format json | jq '.paths[] | {name, ops_per_second}'\n",
  )
    .option('--time <ms>', 'how long each path is measured', '500')
    .option('--prefixes <count>', 'prefixes in the table that addresses are looked up in', '100000')
    .option('--threads <count>', 'batch workers, by default one per core; 0 leaves them out')
    .addOption(formatOption('human', 'json'))
    .action(async (options: BenchOptions) => {
      const { bench } = await import('./commands/bench.ts');
      done(await bench(options));
    });

  verb('version', 'Print the version and what this build can do.', '  sallyport version --format json\n')
    .addOption(formatOption())
    .action(async ({ format }: { format?: Format }) => {
      const { version } = await import('./commands/version.ts');
      done(version(format));
    });
  return program;
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= MAX_SECONDS)) {
    throw new InvalidArgumentError(`write a number of seconds up to ${MAX_SECONDS}`);
  }
  return seconds;
}

/** The flags that beat `SALLYPORT_*` variables, which beat the file. */
function withOverrides(command: Command): Command {
  return command
    .option('--policy <file>', 'the policy file')
    .option('--p0f-db <file>', 'signatures of TCP/IP stacks, as in p0f.fp')
    .option('--client-table <file>', CLIENT_TABLE)
    .option('--threads <count>', 'edge workers; 0 keeps everything on one loop')
    .option('--listen <address>', 'address of the first listener')
    .option('--admin-address <address>', 'address of the admin API')
    .option('--metrics-address <address>', 'address of metrics and health')
    .option('--audit-file <file>', 'the audit log; - for standard output')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent');
}

const AUDIT_EXAMPLES = '  sallyport audit verify audit.jsonl\n';

const EXAMPLES = `
Examples:
  sallyport run --demo                 see it work: a certificate, a policy and an upstream of its own
  sallyport init                       write sallyport.yaml and policy.pdl
  sallyport check policy.pdl           find mistakes and run the policy's own tests
  sallyport test policy.pdl --watch    run its tests after every change
  sallyport run                        serve what sallyport.yaml says

Exit codes: 0 ok, 1 problem found or failed start, 2 wrong usage.`;
