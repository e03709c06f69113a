/** The verbs that are about policies alone: they need no configuration and no running edge. */
import type { Command } from 'commander';
import type { ExpandOptions } from './commands/expand.ts';
import type { ExplainOptions } from './commands/explain.ts';
import type { GraphOptions } from './commands/graph.ts';
import type { LintOptions } from './commands/lint.ts';
import type { TestOptions } from './commands/test.ts';
import { formatOption } from './options.ts';

/** Adds the verbs to the program; `verb` begins one, `done` takes its exit code. */
export function addPolicyVerbs(
  verb: (name: string, description: string, examples: string) => Command,
  done: (code: number) => void,
): void {
  verb(
    'new',
    'Write a ready policy to start from, with its feeds and keys; nothing that exists is overwritten.',
    '  sallyport new                        lists them\n  sallyport new small-site\n' +
      '  sallyport new honeypot /etc/sallyport/policy.pdl\n',
  )
    .argument('[name]', 'which one; none lists them')
    .argument('[file]', 'where to write it (default: NAME.pdl)')
    .action(async (name: string | undefined, file: string | undefined) => {
      const { newPolicy } = await import('./commands/new.ts');
      done(newPolicy(name, file));
    });

  verb(
    'lint',
    'Show what a check of policies finds, and mend what has a safe fix.',
    '  sallyport lint policy.pdl\n  sallyport lint policies --fix\n' +
      '\nExits with 1 while anything is left, warnings too. Tests are not run.\n',
  )
    .argument('<paths...>', 'policies, or folders that hold some')
    .option('--fix', 'apply the fixes that keep what was meant')
    .addOption(formatOption())
    .action(async (paths: string[], options: LintOptions) => {
      const { lint } = await import('./commands/lint.ts');
      done(lint(paths, options));
    });

  verb(
    'test',
    'Run the tests in policies, and show what each expected beside what was decided.',
    '  sallyport test policy.pdl\n  sallyport test policies --format junit > report.xml\n' +
      '  sallyport test policy.pdl --canary\n  sallyport test policy.pdl --watch\n',
  )
    .argument('[paths...]', 'policies, or folders that hold some', ['.'])
    .addOption(formatOption('human', 'json', 'junit'))
    .option('--name <text>', 'only tests whose sentence holds this text')
    .option('--canary', 'run each test twice: as a client of every canary, and of none')
    .option('--watch', 'test again after every change')
    .action(async (paths: string[], options: TestOptions) => {
      const { test } = await import('./commands/test.ts');
      done(await test(paths, options));
    });

  verb(
    'expand',
    'Show every line that a policy comes to, with its origin and where it is enforced.',
    '  sallyport expand policy.pdl\n  sallyport expand policy.pdl medium\n' +
      '  sallyport expand policy.pdl --format json | jq .policies\n',
  )
    .argument('<file>', 'the policy file')
    .argument('[name]', 'a site, score or policy of it')
    .addOption(formatOption())
    .action(async (file: string, name: string | undefined, options: ExpandOptions) => {
      const { expand } = await import('./commands/expand.ts');
      done(expand(file, name, options));
    });

  verb(
    'explain',
    'Say why a policy decides as it does, and what would change its mind.',
    "  sallyport explain --policy policy.pdl 'conn.ip 203.0.113.7' 'unknown hello.sni' 'rate hellos_by_ip 20/s'\n" +
      '  sallyport explain 0190c2b4-… --audit audit.jsonl --policy policy.pdl\n  sallyport explain PDL-R002\n',
  )
    .argument('[subject...]', 'what a test writes into `given`; or the id of a decision; or a code')
    .option('--policy <file>', 'the policy that decides')
    .option('--site <name>', 'the site that decides, where the policy has several')
    .option('--audit <file>', 'the audit log that holds the decision')
    .addOption(formatOption())
    .action(async (subject: string[], options: ExplainOptions) => {
      const { explain } = await import('./commands/explain.ts');
      done(await explain(subject, options));
    });

  verb(
    'graph',
    'Draw a policy: sites, rules, scores, ladders and policies, as SVG.',
    '  sallyport graph policy.pdl > policy.svg\n  sallyport graph policy.pdl --output policy.svg\n',
  )
    .argument('<file>', 'the policy')
    .option('--output <file>', 'where to write it (default: standard output)')
    .action(async (file: string, options: GraphOptions) => {
      const { graph } = await import('./commands/graph.ts');
      done(graph(file, options));
    });
}
