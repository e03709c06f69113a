/** `sallyport check`: every problem of policies and configurations, without starting anything. */

import { extname, resolve } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { loadAddon } from '../../edge/addon.ts';
import { loadBots } from '../../intel/load-bots.ts';
import { loadCertificates } from '../../orchestrator/certificates.ts';
import { compilePolicyFile } from '../../orchestrator/compile-policy.ts';
import { hostOf } from '../../orchestrator/host.ts';
import { staplingOf } from '../../orchestrator/stapling.ts';
import { missedWithoutAddon } from '../../orchestrator/without-addon.ts';
import type { Diagnostic, Severity } from '../../pdl/diagnostics/diagnostic.ts';
import type { Program } from '../../pdl/ir.ts';
import { loadDatabases } from '../../profile/address/load-database.ts';
import { EXIT } from '../exit.ts';
import { chooseFormat, type Format, hasErrors, printDiagnostics, useColor } from '../output.ts';
import { sarifLog } from '../sarif.ts';
import { painter } from '../style.ts';

interface Checked {
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, string>;
  /** Said of a file without errors. */
  readonly summary: string;
}

export type CheckFormat = Format | 'sarif';

/** Exit code 1 when any file has an error; warnings alone are 0. */
export function check(files: readonly string[], asked: CheckFormat | undefined): number {
  const format = asked === 'sarif' ? asked : chooseFormat(asked);
  const found: Diagnostic[] = [];
  for (const file of files) {
    const isConfig = ['.yaml', '.yml'].includes(extname(file));
    const { diagnostics, sources, summary } = isConfig ? checkConfiguration(file) : checkPolicy(file);
    found.push(...diagnostics);
    if (format !== 'sarif') printDiagnostics(diagnostics, sources, format);
    if (format === 'human') process.stderr.write(`${verdictOn(file, diagnostics, summary)}\n`);
  }
  if (format === 'sarif') process.stdout.write(`${JSON.stringify(sarifLog(found), null, 2)}\n`);
  return hasErrors(found) ? EXIT.problem : EXIT.ok;
}

/** The last line about a file: is it usable, and what was found. */
function verdictOn(file: string, diagnostics: readonly Diagnostic[], summary: string): string {
  const paint = painter(useColor(process.stderr));
  const count = (severity: Severity): number =>
    diagnostics.filter((each) => each.severity === severity).length;
  const counts = (['error', 'warning'] as const).flatMap((severity) => {
    const number = count(severity);
    return number === 0 ? [] : [`${number} ${severity}${number === 1 ? '' : 's'}`];
  });
  if (hasErrors(diagnostics))
    return `${paint('bold', file)}: ${paint('red', 'not usable')}, ${counts.join(', ')}`;
  return `${paint('bold', file)}: ${paint('green', 'ok')}${counts.map((each) => `, ${each}`).join('')}${summary}`;
}

/** A policy by itself: secrets and listeners belong to a host and are not asked for. */
function checkPolicy(file: string): Checked {
  const { diagnostics, sources, tests } = compilePolicyFile({
    path: file,
    host: null,
    purpose: 'check',
    env: process.env,
  });
  return { diagnostics, sources, summary: tests.length > 0 ? `, ${passed(tests.length)}` : '' };
}

/** A configuration with the policy it names, as this host would start with them. */
function checkConfiguration(file: string): Checked {
  const loaded = loadConfig(resolve(file), process.env, {});
  if ('problems' in loaded) return { diagnostics: loaded.problems, sources: new Map(), summary: '' };
  const { config, warnings } = loaded;
  const { diagnostics, sources, tests, bundle } = compilePolicyFile({
    path: config.policy,
    host: hostOf(config),
    purpose: 'serve',
    env: process.env,
    feeds: config.feeds,
    stacks: config.p0fDb,
    clients: config.clientTable,
  });
  const reading = { settings: config.bots, file: config.file, copies: null, nowMs: Date.now() };
  const bots = loadBots(reading).diagnostics;
  const summary = `, with ${config.policy}${tests.length > 0 ? ` (${passed(tests.length)})` : ''}`;
  const databases = loadDatabases(config.geo, Date.now());
  const served = bundle === null ? [] : checkServing(bundle.program, config);
  return {
    diagnostics: [...warnings, ...diagnostics, ...databases.diagnostics, ...bots, ...served],
    sources,
    summary,
  };
}

const passed = (tests: number): string => `${tests} ${tests === 1 ? 'test' : 'tests'} passed`;

/** What this host lacks for what the policy asks of it. */
function checkServing(program: Program, { certificates, policy }: Config): readonly Diagnostic[] {
  const loaded = loadCertificates(certificates);
  const stapling = loaded.ok ? staplingOf(program, loaded.certificates, certificates).diagnostics : [];
  const hasAddon = Boolean(loadAddon().addon?.tls);
  return hasAddon ? stapling : [...stapling, ...missedWithoutAddon(program, policy)];
}
