import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { encodeProgram, encodeTables } from '../../src/core/image.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { clientAtHello } from '../../src/orchestrator/client.ts';
import { type ConnectionFacts, Engine } from '../../src/orchestrator/engine.ts';
import { History } from '../../src/orchestrator/history.ts';
import { memoryOfOne } from '../../src/orchestrator/shared-tables.ts';
import type { Program } from '../../src/pdl/ir.ts';
import { NO_CLIENTS } from '../../src/profile/clients.ts';
import { NO_STACKS } from '../../src/profile/stacks.ts';
import { helloMessage } from '../support/hello-bytes.ts';
import { fact, program } from '../support/program.ts';

const SHARE = 200_000;

/** A fifth of the clients, by the network they come from or by what their hello looks like, meets policy 1. */
function canary(key: 'conn.ip' | 'hello.ja4'): Program {
  return program({
    canaries: [{ name: 'fifth', key: [{ fact: fact(key), v4: 24, v6: 64 }], share: SHARE }],
    atoms: [{ kind: 'range', operand: { canary: 0 }, min: 0, max: SHARE - 1 }],
    sites: [
      {
        ...program().sites[0]!,
        canaryLadder: { when: [{ yes: [0], no: [] }], ladder: [{ from: 0, policy: 1 }] },
      },
    ],
  });
}

function engineFor(source: Program): Engine {
  const engine = new Engine(new Core(loadCoreModule()), new History(memoryOfOne()));
  const { image, imageId } = encodeProgram(source);
  engine.load(
    {
      program: source,
      image,
      imageId,
      tables: encodeTables(source, new Map()),
      secrets: [],
      stacks: NO_STACKS,
      clients: NO_CLIENTS,
    },
    1,
  );
  return engine;
}

function from(a: number, b: number, c: number): ConnectionFacts {
  return {
    listener: 'edge',
    ip: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, a, b, c),
    isV4: true,
    port: 443,
    syn: null,
    rttUs: null,
    nowMs: 1_000,
    proxied: false,
    inflight: 0,
  };
}

function policyOf(engine: Engine, facts: ConnectionFacts): string {
  engine.begin(facts);
  const hello = helloMessage();
  assert.equal(engine.core.parse(hello, 0, hello.length, 'handshake', 'tls'), 0);
  return engine.decideHello(facts, clientAtHello(facts, engine.core.hello)).policy!.name;
}

test('a canary takes its share of the clients, and a network keeps its side on every host', () => {
  const [one, other] = [engineFor(canary('conn.ip')), engineFor(canary('conn.ip'))];
  let inside = 0;
  for (let i = 0; i < 4_000; i++) {
    const policy = policyOf(one, from(i >> 8, i & 255, 1));
    assert.equal(policyOf(other, from(i >> 8, i & 255, 254)), policy);
    if (policy === 'medium') inside++;
  }
  assert.ok(inside > 700 && inside < 900, `${inside} of 4000`);
});

test('a canary by what the hello looks like is drawn at the hello', () => {
  const engine = engineFor(canary('hello.ja4'));
  const policies = new Set(Array.from({ length: 50 }, (_, i) => policyOf(engine, from(1, 2, i))));
  assert.equal(policies.size, 1);
});
