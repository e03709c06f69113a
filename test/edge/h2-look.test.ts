/** The look at an HTTP/2 client's first bytes leaves the session as it would be without it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import { until } from '../support/until.ts';

const POLICY = `pdl 1
import "std/tls" as tls
score none { clamp 0..100  signal has_h2 +1 when known http.h2 }
policy served extends tls.intermediate { }
site other { listen edge  sni any  score none  ladder { from 0 use served }  on_error use served }
`;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SETTINGS = Buffer.from('000006040000000000' + '000300000064', 'hex');
const WINDOW_UPDATE = Buffer.from('000004080000000000' + '00010000', 'hex');
/** GET https://localhost/ of stream 1, by the static table of RFC 7541 and a literal authority. */
const BLOCK = Buffer.concat([Buffer.from([0x82, 0x87, 0x84, 0x41, 9]), Buffer.from('localhost')]);
const HEADERS = Buffer.concat([Buffer.from([0, 0, BLOCK.length, 1, 5, 0, 0, 0, 1]), BLOCK]);
const FINGERPRINT = '3:100|65536|0|m,s,p,a';

interface Dialled {
  readonly edge: TestEdge;
  readonly socket: TLSSocket;
  /** Types of the frames that came back. */
  frames(): number[];
}

async function dial(t: TestContext, limits: Record<string, string> = {}): Promise<Dialled> {
  const edge = await startTestEdge(t, { policy: POLICY, limits });
  const { port, ca } = edge;
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ALPNProtocols: ['h2'] });
  socket.setNoDelay(true).on('error', () => {});
  t.after(() => socket.destroy());
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  await once(socket, 'secureConnect');
  const frames = (): number[] => {
    const types: number[] = [];
    for (let at = 0; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3))
      types.push(received[at + 3]!);
    return types;
  };
  return { edge, socket, frames };
}

const HEADERS_FRAME = 1;
const SETTINGS_FRAME = 4;
const GOAWAY_FRAME = 7;

async function assertServed({ edge, socket, frames }: Dialled, fingerprint: string): Promise<void> {
  await until('a response came', () => frames().includes(HEADERS_FRAME));
  socket.destroy();
  const { sallyport } = await edge.line();
  assert.equal(sallyport.http?.h2, fingerprint);
  assert.equal(sallyport.http?.requests, 1);
}

test('a beginning that comes at once is told and served', async (t) => {
  const dialled = await dial(t);
  dialled.socket.write(Buffer.concat([PREFACE, SETTINGS, WINDOW_UPDATE, HEADERS]));
  await assertServed(dialled, FINGERPRINT);
});

test('a beginning that comes byte by byte is told and served the same', async (t) => {
  const dialled = await dial(t);
  for (const byte of Buffer.concat([PREFACE, SETTINGS, WINDOW_UPDATE, HEADERS])) {
    dialled.socket.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await assertServed(dialled, FINGERPRINT);
});

test('a client that waits for the server’s SETTINGS before its request gets them', async (t) => {
  const dialled = await dial(t);
  dialled.socket.write(Buffer.concat([PREFACE, SETTINGS]));
  await until('the SETTINGS of the server came', () => dialled.frames().includes(SETTINGS_FRAME));
  dialled.socket.write(Buffer.concat([WINDOW_UPDATE, HEADERS]));
  await assertServed(dialled, FINGERPRINT);
});

test('what is no HTTP/2 after all ends its connection and no other', async (t) => {
  const dialled = await dial(t);
  dialled.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(8));
  await once(dialled.socket, 'close');
  const { sallyport } = await dialled.edge.line();
  assert.deepEqual([sallyport.http?.requests, sallyport.http?.h2], [0, null]);
});

test('a client that says nothing is closed when it was idle too long, and one that leaves is forgotten', async (t) => {
  const { edge, socket } = await dial(t, { headerTimeout: '100ms', idleTimeout: '1s' });
  await once(socket, 'close');
  assert.equal((await edge.line()).sallyport.http?.requests, 0);
  const { edge: other, socket: leaving } = await dial(t);
  leaving.destroy();
  assert.notEqual((await other.line()).event.action, 'engine_error');
  await until('the connection was forgotten', () => other.open() === 0);
});

test('SETTINGS that are longer than is waited for end the session, as nghttp2 has it', async (t) => {
  const { edge, socket, frames } = await dial(t);
  const long = Buffer.concat([
    Buffer.from('000600040000000000', 'hex'),
    Buffer.from('000300000064'.repeat(256), 'hex'),
  ]);
  socket.write(Buffer.concat([PREFACE, long.subarray(0, 1_100)]));
  await until('the SETTINGS of the server came', () => frames().includes(SETTINGS_FRAME));
  socket.write(Buffer.concat([long.subarray(1_100), HEADERS]));
  await until('the session ended', () => frames().includes(GOAWAY_FRAME));
  socket.destroy();
  assert.equal((await edge.line()).sallyport.http?.h2, null);
});
