/** `sallyport graph`: a policy as a picture. */
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { compilePolicyFile } from '../../orchestrator/compile-policy.ts';
import { drawPolicy } from '../../pdl/graph/graph.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, printDiagnostics } from '../output.ts';

export interface GraphOptions {
  readonly output?: string;
}

/** Exit code 1 when the policy has errors; SVG goes to standard output, or to `output`. */
export function graph(file: string, { output }: GraphOptions): number {
  const { bundle, diagnostics, sources } = compilePolicyFile({
    path: file,
    host: null,
    purpose: 'check',
    env: {},
  });
  if (bundle === null) {
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    printDiagnostics(errors, sources, output === undefined ? 'human' : chooseFormat(undefined));
    return EXIT.problem;
  }
  const svg = drawPolicy(bundle.program, `The policy ${basename(file)}`);
  if (output === undefined) process.stdout.write(svg);
  else write(output, svg);
  return EXIT.ok;
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new CliError(`cannot write ${file}: ${(error as Error).message}`);
  }
}
