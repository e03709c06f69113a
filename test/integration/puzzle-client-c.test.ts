import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { skip as noAddon } from '../support/addon.ts';
import { startPuzzleEdge } from '../support/puzzle-edge.ts';
import { type Finished, missing, run } from '../support/tools.ts';

const SOURCE = fileURLToPath(new URL('../../examples/puzzle/puzzle_client.c', import.meta.url));
const noHeaders = existsSync('/usr/include/openssl/ssl.h')
  ? false
  : 'the headers of OpenSSL are not installed (libssl-dev)';
const skip = noAddon || (await missing('gcc')) || noHeaders;

const folder = mkdtempSync(join(tmpdir(), 'sallyport-c-'));
after(() => rmSync(folder, { recursive: true }));
const program = join(folder, 'puzzle_client');

describe('the C client for OpenSSL', { skip }, () => {
  test('builds without a warning', async () => {
    const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Wpedantic', '-Werror'];
    const { code, stderr } = await run('gcc', [...flags, '-o', program, SOURCE, '-lssl', '-lcrypto']);
    assert.equal(stderr, '');
    assert.equal(code, 0);
  });

  test('solves the puzzle of an edge, and is served', async (t) => {
    const upstream = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => socket.end(`you said ${bytes}`));
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    t.after(() => upstream.close());
    const { port } = upstream.address() as AddressInfo;
    const edge = await startPuzzleEdge(t, 'handshake', '12', {
      upstream: { protocol: 'tcp', address: `127.0.0.1:${port}` },
    });
    const client = (): Promise<Finished> =>
      run(program, ['127.0.0.1', String(edge.port), 'puzzle.test', edge.caFile], 'hello');
    const first = await client();
    assert.equal(first.stdout, 'you said hello');
    assert.match(first.stderr, /^TLSv1\.3, \w+, 12 bits, \d+ hashes\n$/);
    assert.equal(first.code, 0);
    assert.deepEqual((await edge.line()).sallyport.challenge, { name: 'puzzle', outcome: 'solved' });
    assert.match((await client()).stderr, /, 0 bits, 0 hashes\n$/, 'cleared, it is not asked again');
  });

  test('refuses what is too hard', async (t) => {
    const edge = await startPuzzleEdge(t, 'handshake', '25');
    const { code, stderr } = await run(program, ['127.0.0.1', String(edge.port), 'puzzle.test', edge.caFile]);
    assert.equal(code, 1);
    assert.match(stderr, /no connection/);
    // why: it leaves unread what follows the puzzle, so a reset can overtake its alert.
    assert.match((await edge.line()).event.action, /^(?:handshake_failed|client_closed)$/);
  });
});
