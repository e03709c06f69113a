import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { type ConnectError, type ConnectOptions, connect } from '../../src/index.ts';
import { skip } from '../support/addon.ts';
import { makeCertificate } from '../support/certificate.ts';
import type { TestEdge } from '../support/edge.ts';
import { startPuzzleEdge } from '../support/puzzle-edge.ts';
import { EXTENSION, P256, puzzleContent, u16 } from '../support/raw-puzzle.ts';

const to = ({ port, ca }: Pick<TestEdge, 'port' | 'ca'>, more: Partial<ConnectOptions> = {}) =>
  connect({ host: '127.0.0.1', port, servername: 'puzzle.test', ca, ...more });

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A server that answers every hello with a HelloRetryRequest of this puzzle, and keeps what comes next. */
async function poser(t: TestContext, content: Buffer): Promise<{ port: number; next: Promise<Buffer> }> {
  const next = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (hello: Buffer) => {
      const sessionId = hello.subarray(43, 44 + hello[43]!);
      const extensions = Buffer.concat([
        ...[u16(EXTENSION), u16(content.length), content],
        ...[u16(43), u16(2), u16(0x0304), u16(51), u16(2), u16(P256)],
      ]);
      const random = Buffer.from('cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c', 'hex');
      const body = Buffer.concat([
        ...[u16(0x0303), random, sessionId, u16(0x1302), Buffer.alloc(1)],
        ...[u16(extensions.length), extensions],
      ]);
      const message = Buffer.concat([Buffer.from([2, 0]), u16(body.length), body]);
      // Byte by byte: the client must be patient.
      for (const byte of Buffer.concat([Buffer.from([22, 3, 3]), u16(message.length), message])) {
        socket.write(Buffer.from([byte]));
      }
      socket.once('data', (bytes: Buffer) => {
        next.resolve(bytes);
        socket.destroy();
      });
    });
  });
  return { port: await listen(t, server), next: next.promise };
}

const challenge = (type: number, difficulty: number, salt: Buffer): Buffer =>
  puzzleContent([type], Buffer.concat([u16(difficulty), u16(salt.length), salt]));

describe('connect', { skip }, () => {
  test('solves the puzzle of an edge, and is served', async (t) => {
    const edge = await startPuzzleEdge(t, 'handshake, page');
    const { socket, puzzle, group } = await to(edge, { ALPNProtocols: ['http/1.1'] });
    assert.equal(puzzle?.type, 'sha256_cpu');
    assert.equal(puzzle.difficulty, 8);
    assert.ok(puzzle.tries >= 1 && puzzle.durationMs >= 0);
    assert.equal(group, 'secp256r1', 'asked for by the HelloRetryRequest');
    socket.write('GET / HTTP/1.1\r\nHost: puzzle.test\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of socket) text += chunk;
    assert.match(text, /^HTTP\/1\.1 200 /, 'no page: it has met the challenge');
    const audit = await edge.line();
    assert.equal(audit.event.action, 'served');
    assert.deepEqual(audit.sallyport.challenge, { name: 'puzzle', outcome: 'solved' });
    assert.equal(audit.tls.curve, 'secp256r1');
  });

  test('meets no puzzle where none is posed', async (t) => {
    const edge = await startPuzzleEdge(t, 'handshake, page');
    const { socket, puzzle } = await to(edge, { servername: 'other.test' });
    assert.equal(puzzle, null);
    socket.destroy();
  });

  test('checks the certificate as tls.connect does', async (t) => {
    const edge = await startPuzzleEdge(t, 'handshake, page');
    await assert.rejects(to(edge, { ca: [] }), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    await assert.rejects(to(edge, { checkServerIdentity: () => new Error('not the one') }), /not the one/);
  });

  test('reaches a TCP upstream, in both directions and half closed', async (t) => {
    const upstream = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      let length = 0;
      socket.on('data', (chunk) => {
        length += chunk.length;
        socket.write(chunk);
      });
      socket.on('end', () => socket.end(`|${length}`));
    });
    const port = await listen(t, upstream);
    const edge = await startPuzzleEdge(t, 'handshake, page', '8', {
      upstream: { protocol: 'tcp', address: `127.0.0.1:${port}` },
    });
    const { socket, puzzle } = await to(edge);
    assert.notEqual(puzzle, null);
    const sent = Buffer.alloc(1 << 20, 'abc');
    socket.allowHalfOpen = true;
    socket.end(sent);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    assert.ok(Buffer.concat(chunks).equals(Buffer.concat([sent, Buffer.from(`|${sent.length}`)])));
  });

  test('refuses a puzzle that is too hard, and tells the server', async (t) => {
    const edge = await startPuzzleEdge(t, 'handshake, page', '30');
    await assert.rejects(to(edge, { maxDifficulty: 29 }), { name: 'ConnectError', code: 'puzzle_too_hard' });
    const audit = await edge.line();
    assert.equal(audit.event.action, 'handshake_failed');
    assert.equal(audit.sallyport.challenge?.outcome, 'posed');
  });

  test('leaves the event loop free while it solves, and stops when it is told to', async (t) => {
    const edge = await startPuzzleEdge(t, 'handshake, page', '40');
    const stop = new AbortController();
    let tries = 0;
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    t.after(() => clearInterval(ticking));
    const attempt = to(edge, {
      maxDifficulty: 40,
      signal: stop.signal,
      onProgress: (puzzle, count) => {
        assert.equal(puzzle.difficulty, 40);
        tries = count;
        if (count > 1_000_000) stop.abort(new Error('enough'));
      },
    });
    await assert.rejects(attempt, /enough/);
    assert.ok(tries > 1_000_000);
    assert.ok(turns > 5, `${turns} turns of the loop`);
  });

  test('gives up after its time', async (t) => {
    const port = await listen(
      t,
      createServer((socket) => socket.on('error', () => {})),
    );
    await assert.rejects(to({ port, ca: '' }, { timeoutMs: 50 }), { code: 'timeout' });
  });

  test('passes on what ends a connection', async () => {
    await assert.rejects(to({ port: 1, ca: '' }), { code: 'ECONNREFUSED' });
  });

  test('solves sha512_cpu, long salts and echo by the draft', async (t) => {
    const cases: readonly [string, Buffer, number][] = [
      ['sha512', challenge(2, 7, Buffer.alloc(16, 1)), 8],
      ['long salt', challenge(1, 7, Buffer.alloc(300, 1)), 8],
      ['no salt', challenge(1, 7, Buffer.alloc(0)), 8],
      ['echo', puzzleContent([0], Buffer.from('give it back')), 12],
    ];
    for (const [what, content, length] of cases) {
      const { port, next } = await poser(t, content);
      const attempt = to({ port, ca: '' }).catch(() => null);
      const second = await next;
      const types = content.subarray(0, 3);
      const at = second.indexOf(Buffer.concat([u16(EXTENSION), u16(5 + length), types, u16(length)]));
      assert.notEqual(at, -1, `${what}: the second hello answers`);
      if (what === 'echo') assert.ok(second.includes('give it back'));
      await attempt;
    }
  });

  test('takes no offence at, and no puzzle from, servers that it did not offer it to', async (t) => {
    const hostile: readonly [string, Buffer][] = [
      ['a type nobody offered', challenge(3, 7, Buffer.alloc(16))],
      ['GREASE', challenge(0x2a2a, 7, Buffer.alloc(16))],
      ['two types', puzzleContent([1, 2], Buffer.alloc(4))],
      ['a salt that is cut off', puzzleContent([1], Buffer.from([0, 7, 0, 9, 1]))],
      ['nothing', Buffer.alloc(0)],
    ];
    for (const [what, content] of hostile) {
      const { port, next } = await poser(t, content);
      const error = await to({ port, ca: '' }).catch((reason: ConnectError) => reason);
      assert.equal((error as ConnectError).code, 'puzzle_unsupported', what);
      assert.deepEqual(await next, Buffer.from([21, 3, 3, 0, 2, 2, 47]), what);
    }
  });

  test('serves as a client of any TLS server', async (t) => {
    const pair = await makeCertificate({ names: ['puzzle.test'] });
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const server = createTlsServer({ cert: pair.certificate, key: pair.key, maxVersion }, (socket) =>
        socket.end('hello'),
      );
      const port = await listen(t, server);
      const { socket, puzzle } = await to({ port, ca: pair.certificate });
      assert.equal(puzzle, null);
      assert.equal(socket.getProtocol(), maxVersion);
      let text = '';
      for await (const chunk of socket) text += chunk;
      assert.equal(text, 'hello');
    }
  });
});
