import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { connect as connectSolving } from '../../src/index.ts';
import { skip as noAddon } from '../support/addon.ts';
import { startCapture, withoutCapture } from '../support/capture.ts';
import type { TestEdge } from '../support/edge.ts';
import { puzzlePolicy, startPuzzleEdge } from '../support/puzzle-edge.ts';
import { EXTENSION, readPuzzle, zeroBits } from '../support/raw-puzzle.ts';
import type { Message } from '../support/tshark-tree.ts';

const TYPE = {
  clientHello: 1,
  serverHello: 2,
  encryptedExtensions: 8,
  certificate: 11,
  verify: 15,
  finished: 20,
};
const KEY_SHARE = 51;

/** Where each extension of a hello lies in its bytes, in its order. */
function extensionsOf({ type, bytes }: Message): { type: number; start: number; end: number }[] {
  let at = 4 + 2 + 32;
  at += 1 + bytes[at]!;
  if (type === TYPE.clientHello) at += 2 + bytes.readUInt16BE(at);
  else at += 2;
  at += type === TYPE.clientHello ? 1 + bytes[at]! : 1;
  const found: { type: number; start: number; end: number }[] = [];
  for (at += 2; at < bytes.length; at += 4 + bytes.readUInt16BE(at + 2)) {
    found.push({ type: bytes.readUInt16BE(at), start: at + 4, end: at + 4 + bytes.readUInt16BE(at + 2) });
  }
  return found;
}

function contentOf(message: Message, type: number): Buffer | null {
  const found = extensionsOf(message).find((each) => each.type === type);
  return found === undefined ? null : message.bytes.subarray(found.start, found.end);
}

describe('on the wire, read by tshark', { skip: noAddon || (await withoutCapture()) }, () => {
  test('the puzzle and its solution have the layout of the draft', async (t) => {
    const edge = await startPuzzleEdge(t, 'handshake, page', '12');
    const capture = await startCapture(t, edge.port);
    const { socket, puzzle } = await connectSolving({
      ...{ host: '127.0.0.1', port: edge.port, servername: 'puzzle.test', ca: edge.ca },
    });
    socket.destroy();
    const [first, retry, second, hello, ...rest] = await capture.messages();
    assert.equal(rest.length, 0, 'the rest is encrypted');
    const offer = contentOf(first!, EXTENSION)!;
    // Four types of two bytes behind a length of one, then an empty body behind a length of two.
    assert.deepEqual([...offer], [8, 0x2a, 0x2a, 0, 1, 0, 2, 0, 0, 0, 0]);
    const challenge = contentOf(retry!, EXTENSION)!;
    assert.deepEqual([...challenge.subarray(0, 9)], [2, 0, 1, 0, 30, 0, 12, 0, 26]);
    assert.equal(challenge.length, 9 + 26);
    const answer = contentOf(second!, EXTENSION)!;
    assert.deepEqual([...answer.subarray(0, 5)], [2, 0, 1, 0, 8]);
    assert.equal(answer.length, 5 + 8);
    const { salt, difficulty } = readPuzzle(challenge);
    assert.ok(zeroBits(1, answer.readBigUInt64BE(5), salt) >= difficulty);
    assert.equal(puzzle?.difficulty, difficulty);
    assert.equal(contentOf(hello!, EXTENSION), null);
    const unchanged = ({ bytes }: Message): Buffer => bytes.subarray(4, 4 + 2 + 32 + 33);
    assert.deepEqual(unchanged(second!), unchanged(first!), 'version, random and session of the first hello');
  });

  test('a client without the extension gets the same flight, byte for byte, with and without puzzles', async (t) => {
    const edge = await startPuzzleEdge(t, 'page');
    const flights: string[][] = [];
    for (const deliver of ['page', 'handshake, page']) {
      edge.write('policy.pdl', puzzlePolicy(deliver));
      assert.equal((await edge.edge.reload()).ok, true);
      flights.push(await flightOf(t, edge));
    }
    const [without, within] = flights;
    assert.deepEqual(within, without);
    assert.equal(without!.length, 5, 'ServerHello to Finished');
  });
});

/** The server's flight to a plain client as hex, with what is random in every handshake taken out. */
async function flightOf(t: TestContext, edge: TestEdge): Promise<string[]> {
  const capture = await startCapture(t, edge.port);
  const socket = connect({ port: edge.port, host: '127.0.0.1', servername: 'puzzle.test', ca: edge.ca });
  socket.on('keylog', (line) => capture.keylog(line));
  await once(socket, 'secureConnect');
  socket.destroy();
  const messages = await capture.messages();
  const last = messages.findIndex(({ from, type }) => from === 'server' && type === TYPE.finished);
  return messages
    .slice(0, last + 1)
    .filter(({ from }) => from === 'server')
    .map(stable);
}

/** Random, key share, signature and MAC are new in every handshake; their places and all else must be the same. */
function stable(message: Message): string {
  const bytes = Buffer.from(message.bytes);
  if (message.type === TYPE.verify) return bytes.toString('hex', 0, 1).concat(bytes.toString('hex', 4, 6));
  if (message.type === TYPE.finished) bytes.fill(0, 4);
  if (message.type === TYPE.serverHello) {
    bytes.fill(0, 6, 6 + 32);
    bytes.fill(0, 39, 39 + bytes[38]!);
    const share = extensionsOf(message).find(({ type }) => type === KEY_SHARE)!;
    bytes.fill(0, share.start + 4, share.end);
  }
  return bytes.toString('hex');
}
