import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { QuestionDesk } from '../../src/edge/question-desk.ts';
import { DeploymentError } from '../../src/edge/supervisor.ts';
import type { Question } from '../../src/orchestrator/answers.ts';
import type { Client } from '../../src/orchestrator/client.ts';
import { compilePolicyFile } from '../../src/orchestrator/compile-policy.ts';
import { Engine } from '../../src/orchestrator/engine.ts';
import { History } from '../../src/orchestrator/history.ts';
import { parseIp } from '../../src/orchestrator/ip.ts';
import { createSharedTables, openTables } from '../../src/orchestrator/shared-tables.ts';
import { claimedBot } from '../../src/profile/bots.ts';
import {
  type Asked,
  type DnsReply,
  type DnsServer,
  NO_SUCH_NAME,
  SERVER_FAILURE,
  startDns,
} from '../support/dns-server.ts';
import { ACTIONS_POLICY, startTestEdge } from '../support/edge.ts';
import { until } from '../support/until.ts';

function policyWith(options: string): string {
  return `pdl 1
import "std/tls" as tls
feed zen of cidr from dnsbl "bl.example" { ${options} }
score risk { clamp 0..100  signal listed +100 when conn.ip in zen  signal clean +7 when not conn.ip in zen }
policy low  extends tls.intermediate { }
policy high extends tls.modern { action refuse alert access_denied  rank 90 }
site main { listen edge  pin bots when client.verified_bot use low  sni any  score risk  ladder { from 0 use low  from 50 use high }  on_error use low }
`;
}

function working({ name }: Asked): DnsReply {
  return ['2.0.0.127.bl.example', '1.2.0.192.bl.example'].includes(name)
    ? { records: ['127.0.0.2'], ttl: 120 }
    : NO_SUCH_NAME;
}

interface Bench {
  readonly dns: DnsServer;
  readonly desk: QuestionDesk;
  readonly history: History;
  /** Questions that decisions led to, in all. */
  readonly questions: Question[];
  /** The score of a client that connects now, in milliseconds from the start. */
  score(address: string, afterMs?: number): number;
  /** Answers everything that was asked. */
  settle(): Promise<void>;
}

async function makeBench(t: TestContext, options = 'refresh 1h'): Promise<Bench> {
  const dns = await startDns(t, working);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-lists-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'policy.pdl'), policyWith(options));
  const compiled = compilePolicyFile({
    path: join(folder, 'policy.pdl'),
    host: null,
    purpose: 'serve',
    env: {},
  });
  const slots = { rateSlots: 64, bucketSlots: 64, clearanceSlots: 64, historySlots: 64, answerSlots: 1_024 };
  const shared = createSharedTables(slots);
  const ours = openTables(shared);
  const desk = new QuestionDesk([dns.address], ours);
  t.after(() => desk.close());
  assert.deepEqual(await desk.test(compiled.bundle!.program.feeds), []);
  const questions: Question[] = [];
  const history = new History(openTables(shared), (question) =>
    questions.push({ ...question, ip: question.ip.slice() }),
  );
  const engine = new Engine(new Core(loadCoreModule()), history);
  engine.load(compiled.bundle!, 1);
  const start = Date.now();
  let done = 0;
  return {
    dns,
    desk,
    history,
    questions,
    score: (address, afterMs = 0) => {
      const { ip, isV4 } = parseIp(address)!;
      const facts = {
        listener: 'edge',
        ip,
        isV4,
        port: 1,
        syn: null,
        rttUs: null,
        nowMs: start + afterMs,
        inflight: 0,
      };
      engine.begin({ ...facts, proxied: false });
      return engine.explainSite(0, 'connect').score;
    },
    settle: async () => {
      desk.answer(questions.slice(done));
      done = questions.length;
      const { results } = desk.health()[0]!;
      const lists = questions.filter(({ about }) => 'list' in about).length;
      const answered = () => Object.values(results).reduce((sum, each) => sum + each, 0);
      await until('every question is answered', () => answered() >= lists);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('a client is unknown to a DNS list until it has answered, and known the next time', async (t) => {
  const { score, settle, questions } = await makeBench(t);
  assert.equal(score('192.0.2.1'), 0, 'neither listed nor clean');
  await settle();
  assert.equal(score('192.0.2.1'), 100);
  assert.equal(score('198.51.100.9'), 0);
  await settle();
  assert.equal(score('198.51.100.9'), 7);
  assert.equal(questions.length, 2, 'what is known is not asked again');
});

test('an answer that is over its time is used with on_stale keep, and asked for again', async (t) => {
  const { score, settle, questions, dns } = await makeBench(t, 'refresh 1h  max_age 2h');
  score('192.0.2.1');
  await settle();
  dns.answer = () => SERVER_FAILURE;
  assert.equal(score('192.0.2.1', 60_000), 100);
  assert.equal(questions.length, 1);
  assert.equal(score('192.0.2.1', 3_600_000), 100);
  assert.equal(questions.length, 2);
  assert.equal(score('192.0.2.1', 3 * 3_600_000), 0, 'max_age is over');
});

for (const [onStale, score] of [
  ['empty', 7],
  ['fail', 0],
] as const) {
  test(`an answer that is over its time is not used with on_stale ${onStale}`, async (t) => {
    const bench = await makeBench(t, `refresh 1h  max_age 2h  on_stale ${onStale}`);
    bench.score('192.0.2.1');
    await bench.settle();
    assert.equal(bench.score('192.0.2.1', 60_000), 100);
    assert.equal(bench.score('192.0.2.1', 200_000), score);
  });
}

test('nobody is asked about addresses of private networks: no list has them', async (t) => {
  const { score, questions } = await makeBench(t);
  for (const address of ['127.0.0.1', '10.1.2.3', '192.168.0.1', '::1', 'fd00::1']) {
    assert.equal(score(address), 7, address);
  }
  assert.deepEqual(questions, []);
});

test('many workers that ask the same at once lead to one question to the list', async (t) => {
  const { score, questions, desk, dns } = await makeBench(t);
  score('192.0.2.1');
  const before = dns.asked.length;
  desk.answer(Array.from({ length: 500 }, () => questions[0]!));
  await until('it is answered', () => desk.health()[0]!.results.listed === 1);
  assert.equal(dns.asked.length, before + 1);
});

function edgePolicy(options: string): string {
  return ACTIONS_POLICY.replace(
    /feed blocked .*\n/,
    `feed blocked of cidr from dnsbl "bl.example" { ${options} }\n`,
  );
}

test('an edge tests its DNS lists at the start; with on_stale fail it does not start with one that is broken', async (t) => {
  const dns = await startDns(t, () => ({ records: ['127.0.0.2'] }));
  const feeds = { resolvers: [dns.address] };
  const start = startTestEdge(t, { policy: edgePolicy('max_age 1d  on_stale fail'), feeds });
  await assert.rejects(start, (error) => {
    assert.ok(error instanceof DeploymentError);
    const found = error.diagnostics.find(({ code }) => code === 'FEED-009')!;
    assert.match(found.message, /blocked \(bl\.example\) cannot be believed: it lists 127\.0\.0\.1/);
    return true;
  });
  const edge = await startTestEdge(t, { policy: edgePolicy(''), feeds, metrics: true });
  assert.ok(edge.edge.ready);
});

test('a crawler is unknown until DNS has confirmed its address, and known the next time', async (t) => {
  const { dns, desk, questions, history, settle } = await makeBench(t);
  dns.answer = ({ name, type }) => {
    if (type === 'PTR' && name.startsWith('1.66.249.66.')) return { records: ['crawl-1.googlebot.com'] };
    return name === 'crawl-1.googlebot.com' ? { records: ['66.249.66.1'] } : NO_SUCH_NAME;
  };
  const bot = claimedBot('Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)')!;
  const isBot = (address: string): boolean | null => {
    const client = { ...parseIp(address)!, listener: 'edge' } as unknown as Client;
    return history.isConfirmedBot(bot, client, Date.now());
  };
  assert.equal(isBot('66.249.66.1'), null);
  assert.equal(isBot('192.0.2.66'), null);
  await settle();
  await until('both are answered', () => desk.bots.confirmed + desk.bots.denied === 2);
  assert.equal(isBot('66.249.66.1'), true);
  assert.equal(isBot('192.0.2.66'), false, 'an impostor');
  assert.equal(isBot('127.0.0.1'), false, 'nobody is asked about private addresses');
  assert.equal(questions.length, 2);
});
