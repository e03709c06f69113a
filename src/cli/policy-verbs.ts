/** The verbs that are about policies alone: they need no configuration and no running edge. */
import { type Command, Option } from 'commander';
import type { TestOptions } from './commands/test.ts';

/** Adds the verbs to the program; `verb` begins one, `done` takes its exit code. */
export function addPolicyVerbs(
  verb: (name: string, description: string, examples: string) => Command,
  done: (code: number) => void,
): void {
  verb(
    'test',
    'Run the tests in policies, and show what each expected beside what was decided.',
    '  sallyport test policy.pdl\n  sallyport test policies --format junit > report.xml\n' +
      '  sallyport test policy.pdl --watch\n',
  )
    .argument('[paths...]', 'policies, or folders that hold some', ['.'])
    .addOption(formatOption('human', 'json', 'junit'))
    .option('--name <text>', 'only tests whose sentence holds this text')
    .option('--watch', 'test again after every change')
    .action(async (paths: string[], options: TestOptions) => {
      const { test } = await import('./commands/test.ts');
      done(await test(paths, options));
    });
}

/** The first two are what a terminal and what everything else gets unless asked. */
export function formatOption(...formats: readonly string[]): Option {
  return new Option('--format <format>', 'default: human on a terminal, json elsewhere').choices(formats);
}
