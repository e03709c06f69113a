import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OUTCOMES } from '../../src/audit/record.ts';
import schema from '../../src/config/config.schema.json' with { type: 'json' };
import { formatDuration } from '../../src/config/duration.ts';
import { OVERRIDABLE } from '../../src/config/overrides.ts';
import {
  HEADER_DEFAULTS,
  HTTP_UPSTREAM_SETTINGS,
  LIMIT_SETTINGS,
  type Setting,
  TCP_UPSTREAM_SETTINGS,
  TLS_SETTINGS,
} from '../../src/config/settings.ts';
import { createMetrics } from '../../src/observe/metrics.ts';

const operations = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** The beginning of a setting's row: key, default, bounds. */
function row(key: string, setting: Setting): string {
  const show = (value: number): string =>
    setting.kind === 'duration' ? formatDuration(value) : String(value);
  return `| \`${key}\` | ${show(setting.default)} | ${show(setting.min)} – ${show(setting.max)} |`;
}

test('every setting is documented with its default and bounds', () => {
  for (const table of [LIMIT_SETTINGS, TLS_SETTINGS, HTTP_UPSTREAM_SETTINGS, TCP_UPSTREAM_SETTINGS]) {
    for (const [key, setting] of Object.entries(table))
      assert.ok(operations.includes(row(key, setting)), key);
  }
});

test('the schema knows the same settings', () => {
  const { limits, headers, httpUpstream, tcpUpstream } = schema.$defs;
  assert.deepEqual(Object.keys(limits.properties), Object.keys(LIMIT_SETTINGS));
  assert.deepEqual(Object.keys(headers.properties), Object.keys(HEADER_DEFAULTS));
  for (const key of Object.keys(TLS_SETTINGS)) assert.ok(key in schema.properties.tls.properties, key);
  for (const key of Object.keys(HTTP_UPSTREAM_SETTINGS)) assert.ok(key in httpUpstream.properties, key);
  for (const key of Object.keys(TCP_UPSTREAM_SETTINGS)) assert.ok(key in tcpUpstream.properties, key);
});

interface Node {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
}

/** Every key that a node of the schema lets stand somewhere below it. */
function keysOf(node: Node): string[] {
  const { $ref, properties = {}, additionalProperties, items, anyOf = [], oneOf = [] } = node;
  if ($ref) return keysOf((schema.$defs as Record<string, Node>)[$ref.split('/').at(-1)!]!);
  const below = [...Object.values(properties), ...anyOf, ...oneOf];
  if (items) below.push(items);
  if (typeof additionalProperties === 'object') below.push(additionalProperties);
  return [...Object.keys(properties), ...below.flatMap(keysOf)];
}

test('every key of the configuration is documented', () => {
  const keys = new Set(keysOf(schema as Node));
  assert.ok(keys.size > 60 && keys.has('allowRemote'));
  for (const key of keys) assert.match(operations, new RegExp(`(?:[\`.]|^ +)${key}[\`.:]`, 'm'), key);
});

test('every header, flag, variable and outcome is documented', () => {
  for (const [key, name] of Object.entries(HEADER_DEFAULTS)) {
    assert.ok(operations.includes(`| \`${key}\` | \`${name}\` |`), key);
  }
  for (const { flag, variable } of OVERRIDABLE)
    assert.ok(operations.includes(`\`${flag}\` | \`${variable}\``), flag);
  for (const outcome of OUTCOMES) assert.ok(operations.includes(`\`${outcome}\``), outcome);
});

test('every metric is documented, and no other', async () => {
  const metrics = createMetrics(() => ({
    connections: 0,
    held: 0,
    evictedTarpits: 2,
    handshakes: 7,
    waitingPuzzles: 0,
    stallUs: 0,
    workers: 0,
    workerRestarts: 0,
    tables: [],
    dnsLists: [],
    bots: { confirmed: 0, denied: 0, failed: 0 },
    feeds: [],
    databases: [],
    staples: [],
    ocsp: { hits: 0, misses: 0 },
    modes: [],
    audit: { written: 0, lost: 0, queued: 0 },
    policy: null,
  }));
  const { body } = await metrics.render();
  const names = [...body.matchAll(/^# TYPE (sallyport_\w+) (\w+)/gm)];
  assert.ok(names.length > 15);
  for (const [, name, type] of names) assert.ok(operations.includes(`| \`${name!}\` | ${type!} |`), name!);
  const real = new Set(names.map(([, name]) => name!));
  for (const [, name] of operations.matchAll(/^\| `(sallyport_\w+)` \|/gm)) assert.ok(real.has(name!), name!);
});
