/** `sallyport init`: a configuration and a policy to start from. */
import { join } from 'node:path';
import { EXIT } from '../exit.ts';
import { writeNew, writeReadyPolicy } from '../scaffold.ts';
import { INITIAL_CONFIG } from '../templates.ts';

/** Writes what is missing and leaves what is there. @returns 0, also when everything existed. */
export function init(directory: string): number {
  const isNew = writeNew(join(directory, 'sallyport.yaml'), INITIAL_CONFIG);
  const { written } = writeReadyPolicy('three-tiers', join(directory, 'policy.pdl'));
  if (isNew || written) process.stdout.write(NEXT_STEPS);
  return EXIT.ok;
}

const NEXT_STEPS = `
Next: put your certificate and key in place of cert.pem and key.pem, name your upstream, then
  sallyport check sallyport.yaml
  sallyport run
`;
