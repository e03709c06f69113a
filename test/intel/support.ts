/** Feeds for tests, and a web server that serves what a test says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Judgement, type JudgeRequest, judgeFeed, NOTHING_ACCEPTED } from '../../src/intel/guards.ts';
import type { FeedSettings } from '../../src/intel/settings.ts';
import type { Feed } from '../../src/pdl/ir.ts';

export function makeFeed(given: Partial<Feed> = {}): Feed {
  return {
    name: 'bad',
    type: 'cidr',
    source: 'url',
    path: 'https://feeds.example/bad',
    declaredIn: '/policy.pdl',
    refreshMs: 3_600_000,
    maxAgeMs: null,
    onStale: 'keep',
    maxEntries: 1_000_000,
    ...given,
  };
}

export function makeSettings(t: TestContext, given: Partial<FeedSettings> = {}): FeedSettings {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-copies-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const none = {
    own: [],
    neverBlock: [],
    maxGoodShare: 0.1,
    resolvers: [],
    ca: null,
    timeout: 2_000,
    options: {},
  };
  return { directory, ...none, ...given };
}

/** What is said of a list of which nothing else is known. */
export function judge(bytes: Uint8Array, given: Partial<JudgeRequest> = {}): Judgement {
  const own = ['198.51.100.0/24'];
  const known = { feed: makeFeed(), options: {}, own, before: null, fetchedMs: Date.now(), good: null };
  return judgeFeed({ ...known, accepted: NOTHING_ACCEPTED, bytes, ...given });
}

/** The origin of a server on loopback; it ends with the test. */
export async function serve(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** So many different prefixes of documentation-free space, one a line. */
export function prefixLines(count: number): string {
  return Array.from({ length: count }, (_, i) => `45.${(i >> 8) & 255}.${i & 255}.0/24\n`).join('');
}
