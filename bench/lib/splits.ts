/**
 * A ClientHello in pieces: cut into records at random places, and the bytes of these into segments at random places. The
 * fingerprint must be that of the whole.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { splitIntoRecords } from '../../test/support/hello.ts';

/** One part in so many has pieces of a single byte. */
const SINGLES = 4;
/** Most bytes of another piece. */
const LARGEST = 600;

function randomLength(isSingle: boolean): number {
  return isSingle ? 1 : 1 + Math.floor(Math.random() * LARGEST);
}

/** The hello of one record in several, each of a random length; every fourth time in records of one byte. */
function intoRandomRecords(hello: Buffer, turn: number): Buffer {
  return splitIntoRecords(hello, () => randomLength(turn % SINGLES === 0));
}

/** Where the segments end; every fourth time after each byte. */
function* cuts(length: number, turn: number): Generator<number> {
  for (let at = 0; at < length; ) {
    at = Math.min(length, at + randomLength(turn % SINGLES === 1));
    yield at;
  }
}

/** How many of `count` splits gave another JA3 or JA4 than the whole hello, in the core. */
export function splitsInCore(hello: Buffer, count: number): number {
  const core = new Core(loadCoreModule());
  const print = (): string => `${core.hello.ja3Hash} ${core.hello.ja4}`;
  core.begin();
  core.parse(hello, 0, hello.length, 'records', 'tls');
  const whole = print();
  let differences = 0;
  for (let turn = 0; turn < count; turn++) {
    const bytes = intoRandomRecords(hello, turn);
    let status = 1;
    for (const end of cuts(bytes.length, turn)) {
      core.begin();
      status = core.parse(bytes.subarray(0, end), 0, end, 'records', 'tls');
      if (status !== 1) break;
    }
    if (status !== 0 || print() !== whole) differences++;
  }
  return differences;
}

/** As `splitsInCore`, through an edge, by its audit log. */
export async function splitsThroughEdge(
  port: number,
  audit: string,
  hello: Buffer,
  count: number,
): Promise<number> {
  const lines = (): string[] => readFileSync(audit, 'utf8').split('\n').slice(0, -1);
  const before = lines().length;
  await send(port, [hello]);
  for (let turn = 0; turn < count; turn++) {
    const bytes = intoRandomRecords(hello, turn);
    let from = 0;
    await send(
      port,
      [...cuts(bytes.length, turn)].map((end) => {
        const segment = bytes.subarray(from, end);
        from = end;
        return segment;
      }),
    );
  }
  while (lines().length < before + 1 + count) await delay(10);
  const prints = lines()
    .slice(before)
    .map((line) => {
      const { tls, sallyport } = JSON.parse(line) as {
        readonly tls: { readonly client: { readonly ja3: string } };
        readonly sallyport: { readonly hello: { readonly ja4: string } };
      };
      return `${tls.client.ja3} ${sallyport.hello.ja4}`;
    });
  return prints.filter((print) => print !== prints[0]).length;
}

async function send(port: number, segments: readonly Buffer[]): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const answered = once(socket, 'data');
  for (const segment of segments) {
    socket.write(segment);
    await nextTurn();
  }
  await answered;
  socket.destroy();
}
