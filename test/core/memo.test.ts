import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../fuzz/mutate.ts';
import { readHello } from '../reference/client-hello.ts';
import { answerOfCore, answerOfReference } from '../support/hello-answers.ts';
import { codes, helloMessage, u16 } from '../support/hello-bytes.ts';
import { RawCore } from '../support/raw-core.ts';

/** More lists than the core remembers, most of them alike. */
const HELLOS = 1_500;
/** Lists just below, at and above what is remembered. */
const LENGTHS = [1, 2, 3, 30, 100, 152, 153, 154, 155, 156, 157, 158, 159, 160, 200, 400];

function assertRight(core: RawCore, hello: Buffer): void {
  const expected = answerOfReference(readHello(hello, 'handshake', 'tls'));
  assert.equal(answerOfCore(core, hello, 'handshake', 'tls'), expected);
}

for (const variant of ['scalar', 'simd'] as const) {
  test(`the ${variant} build never mistakes one list for another, however many it has seen`, () => {
    const core = new RawCore(variant, 0);
    const random = new Random(7);
    const hellos = Array.from({ length: HELLOS }, (_, n) =>
      helloMessage({
        ciphers: [0x1301, 0xc02b, 0x3000 + (n % 500)],
        extensions: [
          [10, codes([29, 0x4000 + (n % 3)])],
          [13, codes([0x0403, 0x0804 + (n % 700)])],
          [0x5000 + (n % 300), u16(n)],
        ],
      }),
    );
    for (let turn = 0; turn < 2 * HELLOS; turn++) assertRight(core, hellos[random.next(HELLOS)]!);
  });

  test(`the ${variant} build gives lists of every length the same answer twice`, () => {
    const core = new RawCore(variant, 0xff);
    for (const length of [...LENGTHS, ...LENGTHS]) {
      const ciphers = Array.from({ length }, (_, n) => 0x2000 + n);
      const hello = helloMessage({ ciphers, extensions: [[13, codes(ciphers)]] });
      assertRight(core, hello);
      assertRight(core, hello);
    }
  });
}
