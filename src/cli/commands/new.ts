/** `sallyport new`: a policy to start from, out of those that are ready. */
import { closest } from '../../pdl/diagnostics/closest.ts';
import { CliError, EXIT } from '../exit.ts';
import { useColor } from '../output.ts';
import { readyPolicies, writeReadyPolicy } from '../scaffold.ts';
import { painter } from '../style.ts';

/** Without a name it lists what there is. Nothing that exists is overwritten. */
export function newPolicy(name: string | undefined, file: string | undefined): number {
  const ready = readyPolicies();
  if (name === undefined) {
    const paint = painter(useColor(process.stdout));
    const width = Math.max(...ready.map((each) => each.name.length));
    for (const each of ready) {
      process.stdout.write(`${paint('bold', each.name.padEnd(width))}  ${each.summary}\n`);
    }
    return EXIT.ok;
  }
  if (!ready.some((each) => each.name === name)) {
    const names = ready.map((each) => each.name);
    const near = closest(name, names);
    const help = near === null ? `there are ${names.join(', ')}` : `did you mean ${near}?`;
    throw new CliError(`there is no ready policy called ${name}; ${help}`, EXIT.usage);
  }
  const target = file ?? `${name}.pdl`;
  const { written, needs } = writeReadyPolicy(name, target);
  for (const need of needs) process.stdout.write(`note: ${need}\n`);
  if (written) process.stdout.write(`\nNext: read it, then\n  sallyport test ${target}\n`);
  return EXIT.ok;
}
