import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHost, type Host } from '../../src/orchestrator/host.ts';
import { compile } from '../../src/pdl/compile/compile.ts';
import { BASE } from '../pdl/support.ts';

const HOST: Host = {
  listeners: { edge: 'http' },
  certificates: ['default'],
  upstreams: { app: 'http', honeypot: 'http', mail: 'tcp' },
  unknown: {},
  passthrough: {},
};

/** Code and help of what the base policy, with more text, asks of a host in vain. */
function findings(more: string, host: Host = HOST): string[] {
  const { program } = compile({ path: 'x.pdl', text: `${BASE}${more}\n` }, () => null);
  assert.ok(program);
  return checkHost(program, host, 'x.pdl').map(({ code, message, help }) => `${code} ${message}: ${help}`);
}

const site = (policy: string): string =>
  `site extra { listen edge  sni { "x.test" }  score risk  ladder { from 0 use ${policy} }  on_error use low }`;

test('a policy that asks for what the host has passes', () => {
  assert.deepEqual(findings(`policy p extends low { upstream honeypot rank 7 }\n${site('p')}`), []);
});

test('an upstream that the host does not have is named, with those that it has', () => {
  assert.deepEqual(findings(`policy p extends low { upstream trap rank 7 }\n${site('p')}`), [
    'HOST-004 policy p goes to upstream "trap", which the configuration does not have: it has: app, honeypot, mail',
  ]);
});

test('an upstream of another protocol than the listener is named, with those that would do', () => {
  assert.deepEqual(findings(`policy p extends low { upstream mail rank 7 }\n${site('p')}`), [
    'HOST-005 policy p goes to upstream "mail" (tcp), but site extra listens on "edge" (http): it has: app, honeypot',
  ]);
});

test('an upstream of another protocol is no matter where no client of the site can get the policy', () => {
  assert.deepEqual(findings(`policy p extends low { upstream mail rank 7 }\n${site('low')}`), []);
});

test('a listener that the host does not have is named', () => {
  const found = findings('', { ...HOST, listeners: { web: 'http' } });
  assert.match(found[0]!, /^HOST-001 site main listens on "edge".*it has: web$/);
});

test('whoever does not say what upstreams there are is not asked for one', () => {
  const text = `policy p extends low { upstream trap rank 7 }\n${site('p')}`;
  assert.deepEqual(findings(text, { ...HOST, upstreams: null }), []);
});

const OLD = 'tls { versions tls1.2..tls1.2 }';

test('a policy that the operator’s floor leaves no version is refused', () => {
  const text = `policy p extends low { ${OLD} rank 7 }\n${site('p')}`;
  assert.deepEqual(findings(text), []);
  const [found, ...others] = findings(text, { ...HOST, floor: 0x0304 });
  assert.match(
    found!,
    /^HOST-008 policy p has no version and suite of TLS that `tls.minVersion` .* allows: widen/,
  );
  assert.deepEqual(others, []);
});

test('so is one that has no suite of a version above the floor', () => {
  const suites = 'tls { ciphers = [ TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ] }';
  const text = `policy p extends low { ${suites} rank 7 }\n${site('p')}`;
  assert.deepEqual(findings(text), []);
  assert.match(findings(text, { ...HOST, floor: 0x0304 })[0]!, /^HOST-008 policy p /);
});

test('a policy that accepts nobody needs no version', () => {
  const text = `policy p extends low { ${OLD} action reset  rank 7 }\n${site('p')}`;
  assert.deepEqual(findings(text, { ...HOST, floor: 0x0304 }), []);
});
