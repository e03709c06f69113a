/** `sallyport lsp`: the language server, for editors that speak its protocol over standard input and output. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  createConnection,
  ProposedFeatures,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';
import { Core } from '../../core/core.ts';
import { encodeProgram } from '../../core/image.ts';
import { loadCoreModule } from '../../core/module.ts';
import { MAX_POLICY_BYTES } from '../../orchestrator/compile-policy.ts';
import { runPolicyTests } from '../../orchestrator/policy-tests.ts';
import { serve } from '../../pdl/language-server/server.ts';
import type { Host } from '../../pdl/language-server/workspace.ts';
import { EXIT } from '../exit.ts';
import { packageVersion } from '../package.ts';

const LIBRARY = new URL('../../../policies/', import.meta.url);

/** Serves until the editor closes the connection, and then ends the process. */
export async function lsp(): Promise<never> {
  const connection = createConnection(
    ProposedFeatures.all,
    new StreamMessageReader(process.stdin),
    new StreamMessageWriter(process.stdout),
  );
  serve(connection, HOST, packageVersion());
  connection.listen();
  await new Promise((done) => process.stdin.once('end', done).once('close', done));
  // why: the library keeps looking whether the editor's process lives, and that timer would keep ours alive.
  process.exit(EXIT.ok);
}

const HOST: Host = {
  pathOf: (uri) => (uri.startsWith('file:') ? fileURLToPath(uri) : null),
  uriOf(path) {
    if (!path.startsWith('std/')) return pathToFileURL(path).href;
    const file = new URL(`${path}.pdl`, LIBRARY);
    return existsSync(file) ? file.href : null;
  },
  read(path) {
    try {
      const bytes = readFileSync(path);
      return bytes.length > MAX_POLICY_BYTES ? null : bytes.toString('utf8');
    } catch {
      return null;
    }
  },
  resolve: (from, relative) => resolve(dirname(from), relative),
  runTests({ program, tests }) {
    if (program === null) return [];
    return runPolicyTests(new Core(loadCoreModule()), program, encodeProgram(program).image, tests);
  },
};
