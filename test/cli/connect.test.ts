import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { skip } from '../support/addon.ts';
import { startPuzzleEdge } from '../support/puzzle-edge.ts';
import { type Finished, run } from '../support/tools.ts';
import { MAIN } from './support.ts';

const connect = (port: number, args: readonly string[], input = ''): Promise<Finished> =>
  run(process.execPath, [MAIN, 'connect', `127.0.0.1:${port}`, ...args], input);

describe('connect', { skip }, () => {
  test('says what was negotiated and what the puzzle cost', async (t) => {
    const { port, caFile } = await startPuzzleEdge(t, 'handshake, page', '10');
    const trusted = ['--servername', 'puzzle.test', '--ca', caFile, '--alpn', 'h2'];
    const { code, stdout } = await connect(port, trusted);
    assert.equal(code, 0);
    const { puzzle, ...report } = JSON.parse(stdout);
    assert.deepEqual(report, {
      target: `127.0.0.1:${port}`,
      version: 'TLSv1.3',
      cipher: 'TLS_AES_128_GCM_SHA256',
      group: 'secp256r1',
      alpn: 'h2',
      resumed: false,
      authorized: true,
    });
    assert.equal(puzzle.type, 'sha256_cpu');
    assert.equal(puzzle.difficulty, 10);
    const human = await connect(port, [...trusted, '--format', 'human']);
    assert.match(human.stdout, /^negotiated {3}TLSv1.3, TLS_AES_128_GCM_SHA256, X25519/m);
    assert.match(human.stdout, /^puzzle {7}none was posed$/m, 'the client was cleared before');
  });

  test('joins the connection to standard input and output', async (t) => {
    const upstream = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('end', () => socket.end(`you said ${text}`));
    });
    upstream.listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    t.after(() => upstream.close());
    const { port } = upstream.address() as AddressInfo;
    const edge = await startPuzzleEdge(t, 'handshake', '10', {
      upstream: { protocol: 'tcp', address: `127.0.0.1:${port}` },
    });
    const args = ['--servername', 'puzzle.test', '--ca', edge.caFile, '--pipe'];
    const { code, stdout, stderr } = await connect(edge.port, args, 'hello there');
    assert.equal(stdout, 'you said hello there');
    assert.match(stderr, /sha256_cpu, 10 bits: [\d,]+ hashes/);
    assert.equal(code, 0);
  });

  test('says why there is no connection', async (t) => {
    const { port, caFile } = await startPuzzleEdge(t, 'handshake, page', '30');
    const name = ['--servername', 'puzzle.test'];
    const tooHard = await connect(port, [...name, '--ca', caFile]);
    assert.equal(tooHard.code, 1);
    assert.match(tooHard.stderr, /^sallyport: cannot connect to 127.0.0.1:\d+: .* harder puzzle/);
    const untrusted = await connect(port, ['--servername', 'other.test']);
    assert.equal(untrusted.code, 1);
    assert.match(untrusted.stderr, /self-signed certificate/);
  });
});

test('connect knows a wrong command line', async () => {
  const wrong = async (...args: readonly string[]): Promise<string> => {
    const { code, stderr } = await run(process.execPath, [MAIN, 'connect', ...args]);
    assert.equal(code, 2);
    return stderr;
  };
  const cases: readonly [readonly string[], RegExp][] = [
    [['example.com'], /not an address: example.com/],
    [['example.com:443', '--max-difficulty', 'x'], /--max-difficulty takes/],
    [['example.com:443', '--puzzle-extension', '51'], /from 65280 to 65535/],
    [['example.com:443', '--timeout', 'soon'], /not a time: soon/],
    [['example.com:443', '--ca', '/nowhere'], /cannot read \/nowhere/],
  ];
  await Promise.all(cases.map(async ([args, message]) => assert.match(await wrong(...args), message)));
});
