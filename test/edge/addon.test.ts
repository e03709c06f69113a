import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { HUNG_UP, READABLE } from '../../src/edge/addon.ts';
import { acceptOnce, addon, dial, listen, openDescriptors, skip } from '../support/addon.ts';

const linuxOnly = skip || (process.platform !== 'linux' && 'only Linux has it');
const support = (name: string): URL => new URL(`../support/${name}`, import.meta.url);

/** One accepted connection: both ends. */
async function pair(): Promise<{ fd: number; client: Socket }> {
  const { fd: listener, port } = listen();
  const accepted = acceptOnce(listener, (batch) => batch.take(0));
  const client = await dial(port);
  return { fd: await accepted, client };
}

describe('listening sockets of the addon', { skip }, () => {
  it('reports an address that is not there as the system error', () => {
    assert.throws(
      () =>
        addon.listen({
          host: '192.0.2.1',
          port: 0,
          backlog: 1,
          reusePort: false,
          saveSyn: false,
          deferAcceptSeconds: 0,
        }),
      { code: 'EADDRNOTAVAIL', syscall: 'listen' },
    );
  });

  it('reports a port that is taken as EADDRINUSE', () => {
    const { fd, port } = listen();
    const options = { host: '127.0.0.1', port, backlog: 1, reusePort: false, saveSyn: false };
    assert.throws(() => addon.listen({ ...options, deferAcceptSeconds: 0 }), { code: 'EADDRINUSE' });
    addon.close(fd);
  });

  it('shares a port between sockets that ask for it', () => {
    const options = {
      host: '127.0.0.1',
      backlog: 1,
      reusePort: true,
      saveSyn: false,
      deferAcceptSeconds: 0,
    };
    const first = addon.listen({ ...options, port: 0 });
    const second = addon.listen({ ...options, port: addon.boundPort(first) });
    assert.equal(addon.boundPort(second), addon.boundPort(first));
    addon.close(first);
    addon.close(second);
  });

  it('keeps the queue when one of two descriptors is closed', async () => {
    const { fd, port } = listen();
    const copy = addon.dup(fd);
    const client = await dial(port);
    addon.close(fd);
    const accepted = await acceptOnce(copy, (batch) => batch.take(0));
    addon.finish(accepted, Buffer.from('still here'));
    const [bytes] = await once(client, 'data');
    assert.equal(String(bytes), 'still here');
    client.destroy();
  });

  it('takes over a listening socket and refuses any other descriptor', () => {
    const { fd } = listen();
    addon.adopt(fd);
    addon.close(fd);
    assert.throws(() => addon.adopt(0));
    assert.throws(() => addon.adopt(-1), { code: 'EBADF' });
  });
});

describe('accepted connections of the addon', { skip }, () => {
  it('come in one batch with the addresses of both ends', async () => {
    const { fd, port } = listen();
    const clients = await Promise.all([dial(port), dial(port), dial(port)]);
    const seen = await acceptOnce(fd, (batch) =>
      Array.from({ length: batch.count }, (_, index) => ({
        ip: Buffer.from(batch.peerIp(index)).toString('hex'),
        isV4: batch.peerIsV4(index),
        port: batch.peerPort(index),
        localPort: batch.localPort(index),
      })),
    );
    assert.deepEqual(
      seen,
      clients.map((client) => ({
        ip: '00000000000000000000ffff7f000001',
        isV4: true,
        port: client.localPort,
        localPort: port,
      })),
    );
    for (const client of clients) client.destroy();
  });

  it('bring their SYN, with IPv4 and TCP headers', { skip: linuxOnly }, async () => {
    const { fd, port } = listen();
    const client = await dial(port);
    const syn = await acceptOnce(fd, (batch) => batch.syn(0));
    assert(syn);
    const header = (syn[0]! & 0x0f) * 4;
    assert.equal(syn[0]! >> 4, 4);
    assert.equal(syn[9], 6, 'the protocol is TCP');
    assert.equal(Buffer.from(syn).readUInt16BE(header), client.localPort);
    assert.equal(syn[header + 13]! & 0x12, 0x02, 'SYN without ACK');
    assert.equal(syn.length, header + (syn[header + 12]! >> 4) * 4);
    client.destroy();
  });

  it('bring no SYN when the listener does not save it', async () => {
    const { fd, port } = listen(false);
    const client = await dial(port);
    assert.equal(await acceptOnce(fd, (batch) => batch.syn(0)), null);
    client.destroy();
  });

  it('are peeked and keep their bytes', async () => {
    const { fd, port } = listen();
    const client = await dial(port);
    client.write('hello');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const into = Buffer.alloc(16);
    const [peeked, socket] = await acceptOnce(fd, (batch) => {
      const start = batch.helloOffset(0);
      return [
        String(Buffer.from(batch.hellos.slice(start, start + batch.helloLength(0)))),
        batch.take(0),
      ] as const;
    });
    assert.equal(peeked, 'hello');
    assert.equal(addon.peek(socket, into), 5);
    assert.equal(addon.peek(socket, into), 5);
    addon.close(socket);
    client.destroy();
  });

  it('tell what the kernel knows of them', { skip: linuxOnly }, async () => {
    const { fd, client } = await pair();
    const info = addon.tcpInfo(fd);
    assert(info && info.rttUs > 0 && info.sendMss > 0);
    addon.close(fd);
    client.destroy();
  });

  it('are seen by the peer as reset', async () => {
    const { fd, client } = await pair();
    const failed = once(client, 'error');
    client.on('data', () => {});
    addon.reset(fd);
    const [error] = await failed;
    assert.equal(error.code, 'ECONNRESET');
  });

  it('close in an orderly way though input was not read', async () => {
    const { fd, client } = await pair();
    client.write('never read');
    await new Promise((resolve) => setTimeout(resolve, 20));
    addon.finish(fd, Buffer.from('bye'));
    const received: Buffer[] = [];
    client.on('data', (bytes: Buffer) => received.push(bytes));
    await once(client, 'end');
    assert.equal(String(Buffer.concat(received)), 'bye');
    client.destroy();
  });

  it('are closed when the callback did not take them', async () => {
    const { fd, port } = listen();
    const client = await dial(port);
    client.resume();
    await acceptOnce(fd, () => null);
    await once(client, 'close');
  });

  it('wait in the queue while the acceptor is paused', async () => {
    const { fd, port } = listen();
    let count = 0;
    const acceptor = addon.accept(
      fd,
      { batch: 4, peekBytes: 16 },
      (batch) => {
        count += batch.count;
      },
      assert.ifError,
    );
    acceptor.pause();
    const client = await dial(port);
    client.resume();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(count, 0);
    acceptor.resume();
    await once(client, 'close');
    assert.equal(count, 1);
    acceptor.close();
  });

  it('reports options out of range as EINVAL', () => {
    const { fd } = listen();
    const accept = (options: { batch: number; peekBytes: number }) => () =>
      addon.accept(fd, options, () => {}, assert.ifError);
    assert.throws(accept({ batch: 0, peekBytes: 16 }), { code: 'EINVAL' });
    assert.throws(accept({ batch: 1, peekBytes: 1 << 20 }), { code: 'EINVAL' });
    addon.close(fd);
  });
});

describe('the waiter of the addon', { skip }, () => {
  it('waits for more bytes than were seen', async () => {
    const { fd, client } = await pair();
    const events: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = addon.waiter((_, bits) => {
      events.push(bits);
      resolve();
    });
    client.write('abc');
    assert.equal(waiter.wait(fd, 4), 0);
    await new Promise((done) => setTimeout(done, 30));
    assert.deepEqual(events, [], 'three bytes are not four');
    client.write('d');
    await promise;
    assert.deepEqual(events, [READABLE]);
    assert.equal(addon.peek(fd, new Uint8Array(8)), 4);
    waiter.close();
    addon.close(fd);
    client.destroy();
  });

  it('tells of a hangup and not of bytes when none were asked for', async () => {
    const { fd, client } = await pair();
    const { promise, resolve } = Promise.withResolvers<number>();
    const waiter = addon.waiter((_, bits) => resolve(bits));
    waiter.wait(fd, 0);
    client.end('unwanted');
    assert.equal(await promise, HUNG_UP);
    waiter.close();
    addon.finish(fd, Buffer.alloc(0));
  });

  it('tells of a reset', async () => {
    const { fd, client } = await pair();
    const { promise, resolve } = Promise.withResolvers<number>();
    const waiter = addon.waiter((_, bits) => resolve(bits));
    waiter.wait(fd, 0);
    client.resetAndDestroy();
    const bits = await promise;
    assert(bits < 0 || (bits & HUNG_UP) !== 0);
    waiter.close();
    addon.close(fd);
  });

  it('does not call back after a cancel, and waits anew', async () => {
    const { fd, client } = await pair();
    let calls = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = addon.waiter(() => {
      calls++;
      resolve();
    });
    waiter.wait(fd, 1);
    assert(waiter.wait(fd, 1) < 0, 'one wait at a time');
    assert.equal(waiter.cancel(fd), true);
    assert.equal(waiter.cancel(fd), false);
    client.write('x');
    await new Promise((done) => setTimeout(done, 20));
    assert.equal(calls, 0);
    waiter.wait(fd, 1);
    await promise;
    waiter.close();
    addon.close(fd);
    client.destroy();
  });
});

describe('the addon in workers', { skip: linuxOnly }, () => {
  it('leaves only accepted descriptors behind when it is terminated, and the listener keeps serving', async () => {
    const { fd, port } = listen();
    const before = openDescriptors();
    for (let round = 0; round < 3; round++) {
      const workers = Array.from(
        { length: 2 },
        () => new Worker(support('addon-worker.ts'), { workerData: { fd: addon.dup(fd) } }),
      );
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      const taken = new Promise<number[]>((resolve) => {
        for (const worker of workers) worker.once('message', resolve);
      });
      const client = await dial(port);
      client.resume();
      const accepted = await taken;
      await Promise.all(workers.map((worker) => worker.terminate()));
      for (const held of accepted) addon.close(held);
      await once(client, 'close');
    }
    assert.equal(openDescriptors(), before);
    const client = await dial(port);
    assert.equal(await acceptOnce(fd, (batch) => batch.count), 1);
    client.destroy();
  });
});

describe('an edge out of descriptors', { skip: linuxOnly }, () => {
  it('resets what it cannot hold and goes on once some are free', async (t) => {
    const script = fileURLToPath(support('addon-exhausted.ts'));
    const child: ChildProcessByStdio<null, Readable, null> = spawn(
      'sh',
      ['-c', 'ulimit -n 48; exec "$0" "$1"', process.execPath, script],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    t.after(() => child.kill());
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => String((await lines.next()).value);
    const port = Number(await next());
    // why: the reset of one that was dropped may come before its connect event.
    const clients = Array.from({ length: 48 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    assert.equal(await next(), 'dropped');
    clients.push(await dial(port));
    assert.equal(await next(), 'recovered');
    for (const client of clients) client.destroy();
  });
});
