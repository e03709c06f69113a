import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_WAITING_BYTES, MAX_WATCHERS, WatchHub, type WatchStream } from '../../src/admin/watch-hub.ts';

interface Reader extends WatchStream {
  readonly events: { readonly type: string; readonly count?: number }[];
  /** Has everything been sent? */
  isSlow: boolean;
}

function reader(): Reader {
  return {
    events: [],
    isSlow: false,
    get writableLength() {
      return this.isSlow ? MAX_WAITING_BYTES : 0;
    },
    write(text: string): boolean {
      for (const line of text.split('\n').slice(0, -1)) this.events.push(JSON.parse(line));
      return true;
    },
  };
}

const EVENT = '{"type":"connection"}';
const STATUS = { connections: 0, handshakes: 0, held: 0, workers: 1 };

function hub(changes: boolean[] = []): WatchHub {
  return new WatchHub(
    () => STATUS,
    (watched) => changes.push(watched),
  );
}

test('a watcher is told how things stand, then of each event', () => {
  const watch = hub();
  const stream = reader();
  const leave = watch.add(stream);
  watch.tell([EVENT, EVENT], 0);
  leave();
  assert.deepEqual(
    stream.events.map(({ type }) => type),
    ['status', 'connection', 'connection'],
  );
});

test('a watcher that reads too slowly loses events, and is told how many once it reads again', () => {
  const watch = hub();
  const [slow, quick] = [reader(), reader()];
  const leaves = [watch.add(slow), watch.add(quick)];
  slow.isSlow = true;
  watch.tell([EVENT, EVENT], 1);
  watch.tell([EVENT], 0);
  slow.isSlow = false;
  watch.tell([EVENT], 0);
  for (const leave of leaves) leave();
  assert.deepEqual(slow.events.slice(1), [{ type: 'lost', count: 4 }, { type: 'connection' }]);
  assert.deepEqual(
    quick.events.map(({ type }) => type),
    ['status', 'lost', 'connection', 'connection', 'connection', 'connection'],
  );
});

test('workers are told when the first watcher comes and when the last one has left', () => {
  const changes: boolean[] = [];
  const watch = hub(changes);
  const leaves = [watch.add(reader()), watch.add(reader())];
  assert.deepEqual(changes, [true]);
  for (const leave of leaves) leave();
  leaves[0]!();
  assert.deepEqual(changes, [true, false]);
});

test('there is room for so many watchers', () => {
  const watch = hub();
  const leaves = Array.from({ length: MAX_WATCHERS }, () => watch.add(reader()));
  assert.equal(watch.isFull, true);
  for (const leave of leaves) leave();
  assert.equal(watch.isFull, false);
});
