import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { LspClient } from './lsp-client.ts';

const POLICY = `pdl 1
import "std/tls"      as tls
import "./shared.pdl" as shared

feed blocklist of cidr from file "feeds/blocklist.txt" { refresh 15m  max_age 24h  on_stale keep }

score risk {
  clamp 0..100
  group reputation cap 60 {
    signal listed +70 when conn.ip in blocklist
  }
  signal no_sni +40 when unknown hello.sni
}

policy low  extends tls.intermediate { }
policy high extends tls.modern       { action refuse alert access_denied  rank 90 }

site main {
  listen edge
  sni any
  score risk
  ladder { from 0 use low  from 50 use high }
  on_error use low
  deny office_not when conn.ip in shared.office do drop
}

test "a listed client is refused" for main {
  given { feed blocklist { 203.0.113.0/24 }  unknown hello.sni }
  expect { policy high  score 100  matched { listed, no_sni } }
}
test "this one is wrong" for main {
  given { conn.ip 192.0.2.1 }
  expect { policy high }
}
`;
const SHARED = 'pdl 1\nset office of cidr = { 198.51.100.0/24 }\n';

let directory: string;
let uri: string;
let sharedUri: string;
let client: LspClient;
// biome-ignore lint/suspicious/noExplicitAny: an answer of the protocol
let started: any;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-lsp-'));
  writeFileSync(join(directory, 'shared.pdl'), SHARED);
  uri = pathToFileURL(join(directory, 'main.pdl')).href;
  sharedUri = pathToFileURL(join(directory, 'shared.pdl')).href;
  client = new LspClient(directory);
  started = await client.start(directory);
  client.open(uri, POLICY);
});
after(async () => {
  await client.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** The position of the first `«` in `marked`, and the text without it. */
function unmark(marked: string): { text: string; position: { line: number; character: number } } {
  const lines = marked.slice(0, marked.indexOf('«')).split('\n');
  return {
    text: marked.replace('«', ''),
    position: { line: lines.length - 1, character: lines.at(-1)!.length },
  };
}

/** Asks about the place of `«` in the policy in which `before` has become `after`. */
async function ask(method: string, from: string, to: string, more: object = {}) {
  assert.ok(POLICY.includes(from), from);
  const { text, position } = unmark(POLICY.replace(from, () => to));
  client.change(uri, text);
  return await client.request(method, { textDocument: { uri }, position, ...more });
}

async function labelsAt(from: string, to: string): Promise<string[]> {
  const items: { label: string }[] = await ask('textDocument/completion', from, to);
  return items.map(({ label }) => label);
}

test('the server says what it can do', () => {
  const { capabilities, serverInfo } = started;
  assert.equal(serverInfo.name, 'sallyport');
  assert.ok(capabilities.completionProvider && capabilities.hoverProvider && capabilities.renameProvider);
});

test('findings are told when a policy is opened and whenever it changes, with code and place', async () => {
  const found = await client.diagnostics(uri);
  assert.ok(found.every(({ severity }) => severity >= 2));
  client.change(uri, POLICY.replace('on_error use low', 'on_error use lwo'));
  const [first] = (await client.diagnostics(uri)).filter(({ severity }) => severity === 1);
  assert.equal(first.code, 'PDL-N001');
  assert.deepEqual(first.range, {
    start: { line: 22, character: 15 },
    end: { line: 22, character: 18 },
  });
  client.change(uri, POLICY);
  assert.ok((await client.diagnostics(uri)).every(({ severity }) => severity >= 2));
});

test('a policy is completed where one is used, by alias in other files', async () => {
  const labels = await labelsAt('on_error use low', 'on_error use «');
  assert.ok(labels.includes('low') && labels.includes('high') && labels.includes('tls.modern'));
  assert.ok(!labels.includes('risk') && !labels.includes('blocklist') && !labels.includes('conn.ip'));
});

test('facts and conditions are completed where a condition is written', async () => {
  const labels = await labelsAt('when conn.ip in shared.office', 'when conn.«');
  assert.ok(labels.includes('conn.ip') && labels.includes('hello.sni') && labels.includes('not'));
  assert.ok(!labels.includes('low'));
});

test('values are completed by the type of the fact they are compared with', async () => {
  const groups = await labelsAt('when conn.ip in shared.office', 'when hello.groups has «');
  assert.ok(groups.includes('x25519') && groups.includes('X25519MLKEM768'));
  assert.ok(!groups.includes('TLS_AES_128_GCM_SHA256'));
  const versions = await labelsAt('when conn.ip in shared.office', 'when hello.max_version < tls«');
  assert.deepEqual(
    versions.filter((label) => label.startsWith('tls1')),
    ['tls1.0', 'tls1.1', 'tls1.2', 'tls1.3'],
  );
});

test('cipher suites are completed in a list of them', async () => {
  const labels = await labelsAt('tls.intermediate { }', 'tls.intermediate { tls { ciphers = [ TLS_« ] } }');
  assert.ok(labels.includes('TLS_AES_128_GCM_SHA256'));
  assert.ok(!labels.includes('x25519'));
});

test('keywords are completed where only some may stand', async () => {
  const sections = await labelsAt('tls.intermediate { }', 'tls.intermediate { « }');
  assert.ok(
    sections.includes('client_cert') && sections.includes('handshake') && !sections.includes('listen'),
  );
  const declarations = await labelsAt('feed blocklist', 'f«\nfeed blocklist');
  assert.ok(declarations.includes('feed') && declarations.includes('site'));
});

test('sets, feeds and names of an alias are completed after `in`', async () => {
  const all = await labelsAt('in shared.office', 'in «');
  assert.ok(all.includes('blocklist') && all.includes('shared.office'));
  assert.deepEqual(await labelsAt('in shared.office', 'in shared.«'), ['shared.office']);
});

test('alerts are completed after `alert`, and signals in `matched`', async () => {
  assert.ok((await labelsAt('alert access_denied', 'alert «')).includes('handshake_failure'));
  const matched = await labelsAt('matched { listed, no_sni }', 'matched { « }');
  assert.ok(matched.includes('listed') && matched.includes('office_not'));
});

test('a signal tells what it adds to the score, and what bounds it', async () => {
  const { contents } = await ask('textDocument/hover', 'signal listed', 'signal list«ed');
  assert.match(
    contents.value,
    /\+70 points of a score from 0 to 100, in group `reputation`, which adds at most 60/,
  );
});

test('a score tells its bounds', async () => {
  const { contents } = await ask('textDocument/hover', 'score risk\n', 'score ri«sk\n');
  assert.match(
    contents.value,
    /from 0 \(good\) to 100 \(bad\)\. The highest there can be is 100: `listed` \+70, `no_sni` \+40/,
  );
});

test('facts and registered names tell their specification', async () => {
  const fact = await ask('textDocument/hover', 'unknown hello.sni\n}', 'unknown hello.s«ni\n}');
  assert.match(fact.contents.value, /RFC 6066/);
  const alert = await ask('textDocument/hover', 'access_denied', 'access«_denied');
  assert.match(alert.contents.value, /alert 49[\s\S]*RFC 8446/);
  const cipher = await ask(
    'textDocument/hover',
    'conn.ip in shared.office',
    'hello.ciphers has TLS_AES_128«_GCM_SHA256',
  );
  assert.match(cipher.contents.value, /0x1301[\s\S]*RFC 8446[\s\S]*TLS 1.3 only/);
});

test('a hover over nothing that has a name is empty', async () => {
  assert.equal(await ask('textDocument/hover', 'clamp', 'cla«mp'), null);
});

test('a use leads to the declaration, in this file, another one and the library', async () => {
  const here = await ask('textDocument/definition', 'use low  from', 'use lo«w  from');
  assert.deepEqual([here.uri, here.range.start], [uri, { line: 14, character: 7 }]);
  const there = await ask('textDocument/definition', 'shared.office', 'shared.off«ice');
  assert.deepEqual([there.uri, there.range.start], [sharedUri, { line: 1, character: 4 }]);
  const library = await ask('textDocument/definition', 'tls.modern', 'tls.mod«ern');
  assert.match(library.uri, /policies\/std\/tls\.pdl$/);
});

test('a rename changes every use, without its alias, in every file, and the policy still compiles', async () => {
  const { changes } = await ask('textDocument/rename', 'in shared.office', 'in shared.off«ice', {
    newName: 'bureau',
  });
  assert.deepEqual(changes[sharedUri], [
    { range: { start: { line: 1, character: 4 }, end: { line: 1, character: 10 } }, newText: 'bureau' },
  ]);
  assert.equal(changes[uri].length, 1);
  const start = POLICY.split('\n')[23]!.indexOf('office do');
  assert.deepEqual(changes[uri][0].range.start, { line: 23, character: start });
});

test('a rename of a signal reaches the tests that name it', async () => {
  const { changes } = await ask('textDocument/rename', 'signal no_sni', 'signal no«_sni', {
    newName: 'nameless',
  });
  assert.equal(changes[uri].length, 2);
});

test('a name that is no name, is taken or is the library’s is refused with the reason', async () => {
  const refuse = (to: string, newName: string) =>
    ask('textDocument/rename', 'policy low  extends tls.intermediate', to, { newName });
  await assert.rejects(refuse('policy l«ow  extends tls.intermediate', 'Bad-Name'), /lower-case letters/);
  await assert.rejects(refuse('policy l«ow  extends tls.intermediate', 'high'), /called `high` already/);
  await assert.rejects(refuse('policy low  extends tls.inter«mediate', 'x'), /library/);
  await assert.rejects(refuse('pol«icy low  extends tls.intermediate', 'x'), /only names/);
});

test('formatting answers the edit that makes the text canonical, and none for a broken text', async () => {
  client.change(uri, POLICY.replace('  clamp 0..100', 'clamp   0 .. 100'));
  const options = { tabSize: 2, insertSpaces: true };
  const edits = await client.request('textDocument/formatting', { textDocument: { uri }, options });
  assert.equal(edits.length, 1);
  const [{ range, newText }] = edits;
  assert.equal(range.start.line, range.end.line);
  const lines = POLICY.split('\n');
  const line = lines[range.start.line]!.replace('  clamp 0..100', 'clamp   0 .. 100');
  const changed = line.slice(0, range.start.character) + newText + line.slice(range.end.character);
  assert.equal(changed, lines[range.start.line]);
  client.change(uri, POLICY.replace('clamp', '('));
  assert.deepEqual(await client.request('textDocument/formatting', { textDocument: { uri }, options }), []);
});

test('a misspelt name has a quick fix', async () => {
  const { text, position } = unmark(POLICY.replace('on_error use low', 'on_error use l«wo'));
  client.change(uri, text);
  const range = { start: position, end: position };
  const actions = await client.request('textDocument/codeAction', {
    textDocument: { uri },
    range,
    context: { diagnostics: [] },
  });
  assert.deepEqual(
    actions.map(({ title, kind }: { title: string; kind: string }) => [title, kind]),
    [['write `low`', 'quickfix']],
  );
  assert.equal(actions[0].edit.changes[uri][0].newText, 'low');
});

test('each test has a lens that runs it, and a failed one is marked where it fails', async () => {
  client.change(uri, POLICY);
  const lenses = await client.request('textDocument/codeLens', { textDocument: { uri } });
  assert.deepEqual(
    lenses.map(({ command }: { command: { title: string } }) => command.title),
    ['Run test', 'Run test'],
  );
  const run = (index: number) =>
    client.request('workspace/executeCommand', {
      command: lenses[index].command.command,
      arguments: lenses[index].command.arguments,
    });
  assert.deepEqual(await run(0), [{ name: 'a listed client is refused', passed: true, differences: [] }]);
  const [failed] = await run(1);
  assert.equal(failed.passed, false);
  assert.deepEqual(failed.differences, [{ expected: 'policy high', found: 'policy low' }]);
  const message = (text: string) => client.notice('window/showMessage', (params) => params.message === text);
  await message('"a listed client is refused" passed');
  await message('"this one is wrong" failed: expected policy high, found policy low');
  const found = await client.notice('textDocument/publishDiagnostics', ({ diagnostics }) =>
    diagnostics.some(({ range }: { range: { start: { line: number } } }) => range.start.line === 32),
  );
  assert.ok(found);
  const after = await client.request('textDocument/codeLens', { textDocument: { uri } });
  assert.deepEqual(
    after.map(({ command }: { command: { title: string } }) => command.title),
    ['Run test (passed)', 'Run test (failed)'],
  );
});

test('a change of an imported file that is open is seen by the file that imports it', async () => {
  client.change(uri, POLICY);
  client.open(sharedUri, 'pdl 1\nset offices of cidr = { }\n');
  const { diagnostics } = await client.notice(
    'textDocument/publishDiagnostics',
    (params) => params.uri === uri && params.diagnostics.length > 0,
  );
  assert.ok(diagnostics.some(({ code }: { code: string }) => code === 'PDL-N001'));
  client.notify('textDocument/didClose', { textDocument: { uri: sharedUri } });
});

test('requests about files that are not open, or no files, are answered with nothing', async () => {
  const position = { line: 0, character: 0 };
  for (const other of ['file:///nowhere.pdl', 'untitled:Untitled-1']) {
    assert.equal(
      await client.request('textDocument/hover', { textDocument: { uri: other }, position }),
      null,
    );
  }
});

test('text of any kind is answered, also at places beyond its end', async () => {
  for (const text of ['', '\0\u202e', '{'.repeat(5000), 'pdl 1\n"', '😀'.repeat(100), POLICY.slice(0, 500)]) {
    client.change(uri, text);
    const position = { line: 3, character: 1000 };
    for (const method of ['completion', 'hover', 'definition']) {
      await client.request(`textDocument/${method}`, { textDocument: { uri }, position });
    }
  }
});

test('a server whose editor goes away ends by itself', async () => {
  const other = new LspClient(directory);
  await other.start(directory);
  assert.equal(await other.hangUp(), 0);
});
