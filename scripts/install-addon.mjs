// Builds the native addon. Runs on `npm install`, where a failure only costs the features named below;
// `--required` makes it fatal, SALLYPORT_SKIP_ADDON=1 skips the build.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LOST =
  'no SYN facts, no look at the hello before accept, no TLS settings beyond what Node offers; the edge still works';
const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

/** The npm package `node` brings the Node that runs the edge, with its headers; null when it is not installed. */
function bundledNode() {
  try {
    const from = dirname(require.resolve('node/package.json'));
    const name = `node-${process.platform}-${process.arch}`;
    const candidates = [join(from, 'node_modules', name), join(from, '..', name)];
    return candidates.find((folder) => existsSync(join(folder, 'include/node/node_api.h'))) ?? null;
  } catch {
    return null;
  }
}

function build() {
  const headers = bundledNode();
  const env = { ...process.env };
  // why: node-gyp lets npm's settings override its command line, and they may name another Node's headers.
  if (headers !== null) delete env.npm_config_nodedir;
  const nodeGyp = join(dirname(require.resolve('node-gyp/package.json')), 'bin/node-gyp.js');
  const args = [nodeGyp, 'rebuild', '--jobs=max', ...(headers === null ? [] : [`--nodedir=${headers}`])];
  const run = spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (run.error) return { reason: run.error.message, output: '' };
  const output = `${run.stdout}${run.stderr}`;
  return { reason: run.status === 0 ? null : firstError(output), output };
}

function firstError(output) {
  const lines = output.split('\n').map((line) => line.replace(/^gyp ERR! /, '').trim());
  const telling = lines.find((line) => /\berror:|^stack Error:|Error \d+$/i.test(line));
  return telling?.replace(/^stack Error: /, '') ?? 'node-gyp failed';
}

if (process.env.SALLYPORT_SKIP_ADDON !== '1') {
  const required = process.argv.includes('--required');
  let result;
  try {
    result = build();
  } catch (error) {
    result = { reason: error.message, output: '' };
  }
  if (result.reason !== null) {
    if (required) process.stderr.write(result.output);
    console.error(`sallyport: the native addon was not built (${result.reason.slice(0, 200)}): ${LOST}`);
    process.exitCode = required ? 1 : 0;
  }
}
