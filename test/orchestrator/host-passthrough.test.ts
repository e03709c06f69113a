import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHost } from '../../src/orchestrator/host.ts';
import { checkPassthrough } from '../../src/orchestrator/host-passthrough.ts';
import { compile } from '../../src/pdl/compile/compile.ts';
import { BASE } from '../pdl/support.ts';

const CHALLENGE =
  'secret k from env "K"\nchallenge puzzle { kind pow  difficulty 8  solve_within 2m  clears for 1h per conn.ip  secret k }';

const site = (name: string, sni: string, policy: string): string =>
  `site ${name} { listen edge  sni ${sni}  score risk  ladder { from 0 use ${policy} }  on_error use ${policy} }`;

/** Code, line and message of what the base policy, with more text, says in vain of names that pass through. */
function findings(more: string, ...names: readonly string[]): string[] {
  const { program, termination, diagnostics } = compile(
    { path: 'x.pdl', text: `${BASE}\n${more}\n` },
    () => null,
  );
  assert.ok(program, JSON.stringify(diagnostics));
  const found = checkPassthrough({ program, termination, names: { edge: names }, file: 'x.pdl' });
  return found.map(({ code, severity, message }) => `${code} ${severity}: ${message}`);
}

const WHOSE = 'the TLS of "mail.test" of listener "edge" passes through';

test('a policy that is done before TLS passes', () => {
  const policy = 'policy mail extends tls.modern { handshake { idle 1m max_hello 8KiB } rank 7 }';
  assert.deepEqual(findings(`${policy}\n${site('mail', '{ "mail.test" }', 'mail')}`, 'mail.test'), []);
});

test('each entry that needs a handshake of the edge’s own is an error at its place', () => {
  const policy =
    `${CHALLENGE}\npolicy parent extends tls.modern { tls { prefer server } rank 6 }\n` +
    'policy mail extends parent { tls { alpn = [ "h2" ] } handshake { timeout 6s } challenge puzzle rank 7 }\n' +
    site('parent', '{ "parent.test" }', 'parent');
  assert.deepEqual(
    findings(`${policy}\n${site('mail', '{ "mail.test" }', 'mail')}`, 'mail.test').toSorted(),
    ['challenge', 'handshake timeout', 'tls alpn', 'tls prefer'].map(
      (what) =>
        `HOST-006 error: \`${what}\` of policy \`mail\` needs a handshake of the edge’s own, but ${WHOSE}`,
    ),
  );
});

test('what a child takes back is no error', () => {
  const policy =
    `${CHALLENGE}\npolicy asked extends tls.modern { challenge puzzle rank 6 }\n` +
    `policy mail extends asked { challenge none rank 7 }\n${site('asked', '{ "asked.test" }', 'asked')}`;
  assert.deepEqual(findings(`${policy}\n${site('mail', '{ "mail.test" }', 'mail')}`, 'mail.test'), []);
});

test('a policy that lets nobody in needs no handshake', () => {
  const policy =
    'policy no extends tls.modern { tls { prefer server } action refuse alert access_denied rank 7 }';
  assert.deepEqual(findings(`${policy}\n${site('mail', '{ "mail.test" }', 'no')}`, 'mail.test'), []);
});

test('a limit that poses a challenge is an error', () => {
  const policy =
    `${CHALLENGE}\nlimit few { per conn.ip  allow 5/s  then challenge puzzle }\n` +
    'policy mail extends tls.modern { limits [ few ] rank 7 }';
  assert.deepEqual(findings(`${policy}\n${site('mail', '{ "mail.test" }', 'mail')}`, 'mail.test'), [
    `HOST-006 error: limit \`few\` poses a challenge, but ${WHOSE}`,
  ]);
});

test('a rule about the request is an error', () => {
  const rule =
    'site mail { listen edge  sni { "mail.test" }  score risk  deny admin when http.path == "/admin" do reset  ladder { from 0 use plain }  on_error use plain }';
  const found = findings(`policy plain extends tls.modern { rank 7 }\n${rule}`, 'mail.test');
  assert.match(found[0] ?? '', /^HOST-006 error: rule `admin` asks for what only TLS or HTTP tells/);
});

test('a wildcard is about the sites below it and the one that claims the rest', () => {
  const policies =
    'policy plain extends tls.modern { rank 7 }\npolicy own extends tls.modern { tls { prefer server } rank 8 }\n';
  const deep = site('deep', '{ "deep.mail.test" }', 'own');
  const beside = site('beside', '{ "mail.test" }', 'own');
  const star = site('star', '{ "*.mail.test" }', 'plain');
  assert.equal(findings(`${policies}${deep}\n${star}`, '*.mail.test').length, 1);
  assert.equal(findings(`${policies}${beside}\n${star}`, '*.mail.test').length, 0);
});

test('a star is about every site of the listener', () => {
  const more = `policy own extends tls.modern { tls { prefer server } rank 8 }\n${site('deep', '{ "deep.test" }', 'own')}`;
  assert.ok(findings(more, '*').some((each) => each.includes('of policy `own`')));
});

test('a name that no site claims is a warning', () => {
  assert.match(findings('', 'nobody.test')[0]!, /^HOST-007 warning: no site claims "nobody.test"/);
});

test('a policy of a site that passes through goes to a tcp upstream', () => {
  const { program } = compile(
    {
      path: 'x.pdl',
      text: `${BASE}\npolicy p extends tls.modern { upstream mail rank 7 }\n${site('m', '{ "mail.test" }', 'p')}\n`,
    },
    () => null,
  );
  const host = {
    listeners: { edge: 'http' },
    certificates: [],
    upstreams: { app: 'http', mail: 'tcp' },
  } as const;
  assert.deepEqual(
    checkHost(program!, { ...host, passthrough: { edge: ['*.test', 'mail.test'] } }, 'x.pdl'),
    [],
  );
  assert.equal(checkHost(program!, { ...host, passthrough: {} }, 'x.pdl')[0]?.code, 'HOST-005');
});
