/** `sallyport check`: every problem of policies and configurations, without starting anything. */
import { extname, resolve } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { compilePolicyFile } from '../../orchestrator/compile-policy.ts';
import type { Diagnostic } from '../../pdl/diagnostics/diagnostic.ts';
import { EXIT } from '../exit.ts';
import { chooseFormat, type Format, hasErrors, printDiagnostics } from '../output.ts';

interface Checked {
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, string>;
  /** Said of a file without errors. */
  readonly summary: string;
}

/** Exit code 1 when any file has an error; warnings alone are 0. */
export function check(files: readonly string[], asked: Format | undefined): number {
  const format = chooseFormat(asked);
  let failed = false;
  for (const file of files) {
    const isConfig = ['.yaml', '.yml'].includes(extname(file));
    const { diagnostics, sources, summary } = isConfig ? checkConfiguration(file) : checkPolicy(file);
    printDiagnostics(diagnostics, sources, format);
    const bad = hasErrors(diagnostics);
    failed ||= bad;
    if (format === 'human') process.stderr.write(bad ? `${file}: not usable\n` : `${file}: ok${summary}\n`);
  }
  return failed ? EXIT.problem : EXIT.ok;
}

/** A policy by itself: secrets and listeners belong to a host and are not asked for. */
function checkPolicy(file: string): Checked {
  const { diagnostics, sources, tests } = compilePolicyFile({
    path: file,
    host: null,
    purpose: 'check',
    env: process.env,
  });
  return { diagnostics, sources, summary: tests.length > 0 ? `, ${tests.length} tests passed` : '' };
}

/** A configuration with the policy it names, as this host would start with them. */
function checkConfiguration(file: string): Checked {
  const loaded = loadConfig(resolve(file), process.env, {});
  if ('problems' in loaded) return { diagnostics: loaded.problems, sources: new Map(), summary: '' };
  const { config, warnings } = loaded;
  const { diagnostics, sources, tests } = compilePolicyFile({
    path: config.policy,
    host: {
      listeners: config.listeners.map(({ name }) => name),
      certificates: Object.keys(config.certificates),
    },
    purpose: 'serve',
    env: process.env,
  });
  const summary = `, with ${config.policy}${tests.length > 0 ? ` (${tests.length} tests passed)` : ''}`;
  return { diagnostics: [...warnings, ...diagnostics], sources, summary };
}
