/** `sallyport init`: a configuration and a policy to start from. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, EXIT } from '../exit.ts';
import { INITIAL_CONFIG, INITIAL_FEEDS, initialPolicy } from '../templates.ts';

/** Writes what is missing and leaves what is there. @returns 0, also when everything existed. */
export function init(directory: string): number {
  mkdirSync(join(directory, '.sallyport'), { recursive: true, mode: 0o700 });
  mkdirSync(join(directory, 'feeds'), { recursive: true });
  const written = [
    writeNew(join(directory, 'sallyport.yaml'), INITIAL_CONFIG, 0o644),
    writeNew(join(directory, 'policy.pdl'), initialPolicy(), 0o644),
    ...Object.entries(INITIAL_FEEDS).map(([name, text]) =>
      writeNew(join(directory, 'feeds', name), text, 0o644),
    ),
    writeNew(
      join(directory, '.sallyport', 'puzzle.key'),
      `${randomBytes(32).toString('base64url')}\n`,
      0o600,
    ),
  ];
  if (written.includes(true)) process.stdout.write(NEXT_STEPS);
  return EXIT.ok;
}

function writeNew(file: string, text: string, mode: number): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx', mode });
    process.stdout.write(`wrote ${file}\n`);
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new CliError(`cannot write ${file}: ${message}`);
    process.stdout.write(`kept ${file}, which exists\n`);
    return false;
  }
}

const NEXT_STEPS = `
Next: put your certificate and key in place of cert.pem and key.pem, name your upstream, then
  sallyport check sallyport.yaml
  sallyport run
`;
