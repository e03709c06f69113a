import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { ALERTS } from '../../src/pdl/registry/iana.ts';
import { tlsAddon as addon, skip } from '../support/addon.ts';
import { startCapture, withoutCapture } from '../support/capture.ts';
import { startTestEdge } from '../support/edge.ts';
import { sClient } from '../support/tools.ts';

/** By server name, a policy with rules on extensions. */
const RULES: Readonly<Record<string, string>> = {
  'require.test': 'require { ext(0xff5a) } else refuse alert missing_extension',
  'forbid.test': 'forbid { signature_algorithms } else refuse alert unsupported_extension',
  'only.test': 'only { server_name, supported_versions, key_share } else refuse alert illegal_parameter',
  'count.test': 'max_count 3 else refuse alert insufficient_security',
  'order.test': 'require { key_share, server_name }  order fixed',
  'drop.test': 'max_count 3 else refuse alert insufficient_security  forbid { key_share } else reset',
  'kept.test': 'require { server_name, key_share }  forbid { heartbeat }  max_count 40  order fixed',
};

function policy(rules: Readonly<Record<string, string>>): string {
  const sites = Object.entries(rules).map(([name, text], i) => {
    return `policy p${i} extends tls.intermediate { extensions { ${text} } rank ${i + 10} }
site s${i} { listen edge  sni { "${name}" }  score none  ladder { from 0 use p${i} }  on_error use p${i} }`;
  });
  return `pdl 1
import "std/tls" as tls
score none { clamp 0..100  signal never +1 when hello.size > 16KiB }
policy open extends tls.intermediate { }
${sites.join('\n')}
site other { listen edge  sni any  score none  ladder { from 0 use open }  on_error use open }
`;
}

for (const [name, alert, rule] of [
  ['require.test', 'missing_extension', 'require'],
  ['forbid.test', 'unsupported_extension', 'forbid'],
  ['only.test', 'illegal_parameter', 'only'],
  ['count.test', 'insufficient_security', 'max_count'],
  ['order.test', 'access_denied', 'order'],
] as const) {
  test(`a hello that breaks \`${rule}\` gets the alert it names, before any handshake`, async (t) => {
    const { port, line } = await startTestEdge(t, { policy: policy(RULES) });
    const { stderr } = await sClient(port, '-servername', name);
    assert.match(stderr, new RegExp(`SSL alert number ${ALERTS[alert]}\\b`));
    const { event, sallyport } = await line();
    assert.equal(event.action, 'refused');
    assert.deepEqual([sallyport.tier, sallyport.alert], ['extensions', alert]);
    assert.deepEqual(sallyport.matched, [`extensions.${rule}`]);
  });
}

test('of several broken rules the strictest outcome wins, and all are on record', async (t) => {
  const { port, line } = await startTestEdge(t, { policy: policy(RULES) });
  await sClient(port, '-servername', 'drop.test');
  const { event, sallyport } = await line();
  assert.equal(event.action, 'reset');
  assert.deepEqual(sallyport.matched, ['extensions.forbid', 'extensions.max_count']);
});

test('a hello within its policy’s rules is served', async (t) => {
  const { port, line } = await startTestEdge(t, { policy: policy(RULES) });
  await sClient(port, '-servername', 'kept.test');
  assert.equal((await line()).event.action, 'served');
});

const TYPE = 0xff5a;
const OTHER_TYPE = 0xff5b;
/** OpenSSL's bits of the messages (SSL_EXT_…). */
const CLIENT_HELLO = 0x80;
const SERVER_MESSAGES = [0x400, 0x800, 0x1000, 0x2000, 0x4000];

// why: a key is shared of the first, which the policy has not, so the server asks again.
const CURVES = 'P-521:X25519';

/** A client that offers an extension of its own, as OpenSSL lets any client do. */
function offering(): SecureContext {
  const { context, handle } = addon.captureContext(() => createSecureContext({ ecdhCurve: CURVES }));
  const content = Buffer.from('offer');
  const contents = [CLIENT_HELLO, ...SERVER_MESSAGES].map((message) => ({ message, content }));
  addon.addExtension(handle, TYPE, contents);
  return context;
}

const SENDS = {
  'kept.test': `send ext(0xff5a) "encrypted" in encrypted_extensions
    send ext(0xff5a) "cafe" in certificate  send ext(0xff5a) "ticket" in new_session_ticket
    send ext(0xff5a) "again" in hello_retry_request  send ext(0xff5b) "always" in new_session_ticket`,
};
const RETRY = '2';
const TICKET = '4';

/** Pairs of handshake message and extension content that the server sent under the two types, as tshark reads them. */
async function sentTo(t: TestContext, secureContext: SecureContext | undefined): Promise<string[]> {
  const edge = await startTestEdge(t, { policy: policy(SENDS) });
  const capture = await startCapture(t, edge.port);
  const client = connect({
    ...{ port: edge.port, host: '127.0.0.1', servername: 'kept.test', rejectUnauthorized: false },
    ...{ ecdhCurve: CURVES, ALPNProtocols: ['http/1.1'] },
    ...(secureContext === undefined ? {} : { secureContext }),
  });
  client.on('keylog', (line: Buffer) => capture.keylog(line));
  await once(client, 'secureConnect');
  client.end('GET / HTTP/1.1\r\nHost: kept.test\r\nConnection: close\r\n\r\n');
  client.resume();
  await once(client, 'close');
  const fields = ['tls.handshake.type', 'tls.handshake.extension.type', 'tls.handshake.extension.data'];
  const packets = await capture.read(`tcp.srcport == ${edge.port} && tls.handshake`, fields);
  return packets.flatMap((packet) => {
    const [messages, types, contents] = fields.map((field) => packet[field]!);
    const own = types!.filter((type) => [TYPE, OTHER_TYPE].includes(Number(type)));
    assert.equal(
      own.length,
      contents!.length,
      'each own extension has the content that is unknown to tshark',
    );
    return contents!.map((content) => `${messages![0]} ${Buffer.from(content, 'hex').toString('latin1')}`);
  });
}

const without = skip || (await withoutCapture());

test('own extensions go to a client that offered their type, in the messages the policy names', {
  skip: without,
}, async (t) => {
  const tickets = ['ticket', 'always'].map((text) => `${TICKET} ${text}`);
  assert.deepEqual(
    (await sentTo(t, offering())).sort(),
    [`${RETRY} again`, `${RETRY} encrypted`, `${RETRY} \u{ca}\u{fe}`, ...tickets].sort(),
  );
});

test('a client that offered no own extension gets them in its tickets alone', {
  skip: without,
}, async (t) => {
  const tickets = ['ticket', 'always'].map((text) => `${TICKET} ${text}`);
  assert.deepEqual((await sentTo(t, undefined)).sort(), tickets.sort());
});
