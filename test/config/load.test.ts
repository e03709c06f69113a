import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { makeCertificate } from '../support/certificate.ts';

let directory: string;
const file = (name: string): string => join(directory, name);

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
  writeFileSync(file('policy.pdl'), '');
  for (const name of ['a', 'b']) {
    const { certificate, key } = await makeCertificate({ names: ['localhost'] });
    writeFileSync(file(`${name}.pem`), certificate);
    writeFileSync(file(`${name}-key.pem`), key, { mode: 0o600 });
  }
  const expired = await makeCertificate({ names: ['localhost'], notAfter: new Date('2020-01-02') });
  writeFileSync(file('old.pem'), expired.certificate);
  writeFileSync(file('old-key.pem'), expired.key, { mode: 0o644 });
});
after(() => rmSync(directory, { recursive: true, force: true }));

const VALID = `version: 1
listeners:
  - name: edge
    address: 127.0.0.1:8443
    certificates: [default]
    upstream: app
certificates:
  default: { certificate: a.pem, key: a-key.pem }
upstreams:
  app: { protocol: http, url: "http://127.0.0.1:8080" }
`;

function load(text: string, env: NodeJS.ProcessEnv = {}, flags = {}) {
  return parseConfig(file('sallyport.yaml'), text, env, flags);
}

function config(text: string, env: NodeJS.ProcessEnv = {}, flags = {}) {
  const result = load(text, env, flags);
  assert.ok('config' in result, JSON.stringify(result));
  return result.config;
}

/** `line:column code message` of every problem. */
function problems(text: string, env: NodeJS.ProcessEnv = {}, flags = {}): string[] {
  const result = load(text, env, flags);
  assert.ok('problems' in result, 'the configuration loads');
  return result.problems.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`);
}

test('a minimal file gets every default and absolute paths', () => {
  const loaded = config(VALID);
  assert.equal(loaded.policy, file('policy.pdl'));
  assert.deepEqual(loaded.certificates, {
    default: {
      certificate: file('a.pem'),
      key: file('a-key.pem'),
      ocsp: { responder: null, file: null, issuer: null },
    },
  });
  assert.deepEqual(loaded.ocsp, { directory: file('.sallyport/ocsp'), timeout: 5_000 });
  assert.deepEqual(loaded.listeners[0], {
    name: 'edge',
    address: { host: '127.0.0.1', port: 8443 },
    certificates: ['default'],
    upstream: 'app',
    deferAccept: true,
    proxyProtocol: null,
    passthrough: {},
    alpn: ['h2', 'http/1.1'],
  });
  assert.equal(loaded.limits.helloTimeout, 5000);
  assert.equal(loaded.limits.helloBytes, 16_384);
  assert.equal(loaded.tls.minVersion, 0x0303);
  assert.deepEqual(loaded.admin, {
    address: { host: '127.0.0.1', port: 9443 },
    tokenFile: file('.sallyport/admin.token'),
  });
  assert.deepEqual(loaded.metrics, { address: { host: '127.0.0.1', port: 9090 } });
  assert.deepEqual(loaded.audit, { file: file('audit.jsonl'), facts: false });
  assert.ok(loaded.threads >= 1);
});

test('false turns admin, metrics and audit off', () => {
  const loaded = config(`${VALID}admin: false\nmetrics: false\naudit: false\n`);
  assert.deepEqual([loaded.admin, loaded.metrics, loaded.audit], [null, null, null]);
});

test('durations are read in every unit', () => {
  const loaded = config(
    `${VALID}limits: { helloTimeout: 1500ms, requestTimeout: 1h, drainTimeout: 2m, idleTimeout: 1d }\n`,
  );
  const { helloTimeout, requestTimeout, drainTimeout, idleTimeout } = loaded.limits;
  assert.deepEqual(
    [helloTimeout, requestTimeout, drainTimeout, idleTimeout],
    [1500, 3_600_000, 120_000, 86_400_000],
  );
});

test('a flag beats a variable, and a variable beats the file', () => {
  const text = `${VALID}threads: 1\nlog: { level: warn }\n`;
  const env = { SALLYPORT_THREADS: '2', SALLYPORT_LOG_LEVEL: 'debug' };
  const loaded = config(text, env, { threads: '3' });
  assert.equal(loaded.threads, 3);
  assert.equal(loaded.log.level, 'debug');
});

test('a bad variable is reported by its name', () => {
  const result = load(VALID, { SALLYPORT_THREADS: 'many' });
  assert.ok('problems' in result);
  assert.equal(result.problems[0]?.file, 'SALLYPORT_THREADS');
});

test('an unknown key is an error at the key, with the nearest known one', () => {
  const result = load(VALID.replace('upstream: app', 'upstraem: app'));
  assert.ok('problems' in result);
  const unknown = result.problems.find(({ code }) => code === 'CFG-K001');
  assert.deepEqual([unknown?.line, unknown?.column, unknown?.endColumn], [6, 5, 13]);
  assert.match(unknown!.message, /unknown key `upstraem` in `listeners\[0\]`/);
  assert.match(unknown!.help ?? '', /did you mean `upstream`\?/);
});

test('several problems are reported at once, in the order of the file', () => {
  const text = `${VALID}limits:\n  connections: lots\n  helloTimout: 5s\nlog: { level: inof }\n`;
  const found = problems(text);
  assert.deepEqual(
    found.map((each) => each.split(' ').slice(0, 2).join(' ')),
    ['12:16 CFG-T001', '13:3 CFG-K001', '14:15 CFG-V001'],
  );
});

test('an invalid duration and one out of bounds are named with their bounds', () => {
  const found = problems(`${VALID}limits:\n  helloTimeout: 5 seconds\n  handshakeTimeout: 1h\n`);
  assert.match(found[0]!, /^12:17 CFG-V001 `limits\.helloTimeout` is not a duration: 5 seconds/);
  assert.match(found[1]!, /^13:21 CFG-V001 `limits\.handshakeTimeout` is out of bounds: 1h/);
});

test('broken YAML is an error at its place', () => {
  assert.match(problems('version: 1\nlisteners: [\n')[0]!, /^\d+:\d+ CFG-Y001 /);
});

test('a repeated key is an error', () => {
  assert.match(problems(`${VALID}version: 1\n`)[0]!, /^11:1 CFG-Y001 .*unique/);
});

test('two documents in one file are an error', () => {
  assert.match(problems(`${VALID}---\nversion: 1\n`)[0]!, /CFG-Y001/);
});

test('an alias bomb is an error, not a stall', () => {
  const levels = Array.from(
    { length: 12 },
    (_, n) =>
      `k${n}: &k${n} [${
        n === 0
          ? 'x'
          : Array(10)
              .fill(`*k${n - 1}`)
              .join(', ')
      }]`,
  );
  assert.match(problems(levels.join('\n'))[0]!, /CFG-Y001/);
});

test('an empty file lacks every required key', () => {
  assert.equal(problems('').filter((each) => each.includes('CFG-K002')).length, 3);
});

test('a listener that names an unknown upstream or certificate is an error at the name', () => {
  const found = problems(
    VALID.replace('upstream: app', 'upstream: appp').replace('[default]', '[default, other]'),
  );
  assert.match(found[0]!, /^5:29 CFG-R001 there is no certificate called `other`/);
  assert.match(found[1]!, /^6:15 CFG-R001 there is no upstream called `appp`/);
});

const PASSING = `version: 1
listeners:
  - { name: edge, address: "127.0.0.1:8443", passthrough: { "*": mail } }
upstreams:
  mail: { protocol: tcp, address: "127.0.0.1:25" }
  app: { protocol: http, url: "http://127.0.0.1:80" }
`;

test('a listener that passes everything through needs neither certificate nor upstream', () => {
  const [listener] = config(PASSING).listeners;
  assert.deepEqual(listener!.certificates, []);
  assert.deepEqual(listener!.passthrough, { '*': 'mail' });
  assert.equal(listener!.upstream, 'mail');
});

test('a listener that passes some names through needs both for the others', () => {
  const found = problems(PASSING.replace('"*"', '"mail.test"'));
  assert.match(found[0]!, /^3:5 CFG-K002 `listeners\[0\]` lacks the key `certificates`/);
  assert.match(found[1]!, /^3:5 CFG-K002 `listeners\[0\]` lacks the key `upstream`/);
});

test('what passes through goes to a tcp upstream that exists, by names as they are compared', () => {
  assert.match(problems(PASSING.replace('mail }', 'app }'))[0]!, /^3:\d+ CFG-R003 .* http upstream `app`/);
  const unknown = problems(PASSING.replace('mail }', 'mial }'));
  assert.match(unknown.find((each) => each.includes('CFG-R001'))!, /there is no upstream called `mial`/);
  const upper = problems(PASSING.replace('"*": mail', '"*": mail, Mail.Test: mail'));
  assert.match(upper[0]!, /CFG-V001/);
});

test('a name that every object has is still unknown', () => {
  assert.match(problems(VALID.replace('upstream: app', 'upstream: constructor'))[0]!, /CFG-R001/);
});

test('two listeners on one address are an error at the second', () => {
  const second =
    '  - { name: two, address: "127.0.0.1:8443", certificates: [default], upstream: app }\ncertificates:\n  default';
  const found = problems(VALID.replace('certificates:\n  default', second));
  assert.match(found[0]!, /^7:\d+ CFG-A001 127\.0\.0\.1:8443 is already taken by listener `edge`/);
});

test('admin on the address of a listener is an error', () => {
  assert.match(problems(`${VALID}admin: { address: "127.0.0.1:8443" }\n`)[0]!, /CFG-A001/);
});

test('an admin address that is not loopback needs allowRemote', () => {
  const [found] = problems(`${VALID}admin:\n  address: 0.0.0.0:9443\n`);
  assert.match(found!, /^12:12 CFG-A002 `admin\.address` 0\.0\.0\.0:9443 can be reached from other machines/);
  assert.equal(
    config(`${VALID}admin: { address: "0.0.0.0:9443", allowRemote: true }\n`).admin?.address.host,
    '0.0.0.0',
  );
});

test('a key of another certificate is an error at the key', () => {
  const [found] = problems(VALID.replace('a-key.pem', 'b-key.pem'));
  assert.match(found!, /^8:39 CFG-F003 the key .*b-key\.pem does not belong to the certificate/);
});

test('a missing certificate and an unreadable key are errors at their paths', (t) => {
  const missing = problems(VALID.replace('certificate: a.pem', 'certificate: nowhere.pem'));
  assert.match(missing[0]!, /^8:27 CFG-F001 the certificate file .*nowhere\.pem does not exist/);
  if (process.getuid?.() === 0) return t.skip('root can read every file');
  chmodSync(file('b-key.pem'), 0o000);
  const unreadable = problems(VALID.replace('a-key.pem', 'b-key.pem'));
  assert.match(unreadable[0]!, /CFG-F001 the key file .* may not be read/);
});

test('a file that is no certificate is an error at its path', () => {
  const [found] = problems(VALID.replace('certificate: a.pem', 'certificate: policy.pdl'));
  assert.match(found!, /^8:27 CFG-F002 .* holds no PEM certificate/);
});

test('an expired certificate and a key that everyone can read are warnings', () => {
  const result = load(
    VALID.replace('certificate: a.pem, key: a-key.pem', 'certificate: old.pem, key: old-key.pem'),
  );
  assert.ok('config' in result);
  assert.deepEqual(
    result.warnings.map(({ code, line }) => [code, line]),
    [
      ['CFG-F004', 8],
      ['CFG-F005', 8],
    ],
  );
});

test('an upstream without a protocol lacks only that', () => {
  const found = problems(VALID.replace('protocol: http, ', ''));
  assert.equal(found.length, 1);
  assert.match(found[0]!, /CFG-K002 `upstreams\.app` lacks the key `protocol`/);
});

test('a key of the other kind of upstream is unknown', () => {
  assert.match(
    problems(VALID.replace('protocol: http,', 'protocol: http, proxyProtocol: true,'))[0]!,
    /CFG-K001/,
  );
});

test('an upstream address with a path is an error', () => {
  assert.match(problems(VALID.replace(':8080"', ':8080/app"'))[0]!, /CFG-V001 .*not an http or https origin/);
});

test('a missing file says how to write one', () => {
  const result = loadConfig(file('nowhere.yaml'), {}, {});
  assert.ok('problems' in result);
  assert.match(result.problems[0]?.help ?? '', /sallyport init/);
});
