import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { generateNonce, signatureHeaders } from 'web-bot-auth';
import { signerFromJWK } from 'web-bot-auth/crypto';
import { readKeys, thumbprint, trustKeys } from '../../src/intel/bot-keys.ts';
import {
  type BotSignature,
  readBotSignature,
  type SignedRequest,
  type TrustedKey,
  type TrustedKeys,
} from '../../src/intel/bot-signature.ts';
import { makeBotKey } from '../support/bot-key.ts';

const { jwk: JWK } = makeBotKey();
const AGENT = 'https://bot.example';
const KEYS = trustKeys(readKeys(AGENT, JSON.stringify({ keys: [{ kty: 'OKP', crv: 'Ed25519', x: JWK.x }] })));
/** The same with something else of them. */
const KEYS_WITH = (change: Partial<TrustedKey>): TrustedKeys =>
  new Map([...KEYS].map(([id, list]) => [id, list.map((key) => ({ ...key, ...change }))]));
const NOW = Date.parse('2026-06-01T12:00:00Z');

interface Signing {
  readonly created?: number;
  readonly expires?: number;
  readonly nonce?: string;
  readonly agent?: string | null;
  readonly url?: string;
}

/** A request as Cloudflare's own package signs it. */
async function signed(given: Signing = {}): Promise<SignedRequest> {
  const {
    created = NOW,
    expires = NOW + 300_000,
    nonce,
    agent = AGENT,
    url = 'https://shop.example/a?b=1',
  } = given;
  const headers: Record<string, string> = agent === null ? {} : { 'Signature-Agent': `"${agent}"` };
  const request = new Request(url, { headers });
  const options = {
    created: new Date(created),
    expires: new Date(expires),
    ...(nonce === undefined ? {} : { nonce }),
  };
  const made = await signatureHeaders(request, await signerFromJWK(JWK), options);
  const { host, pathname, search } = new URL(url);
  const fields = { ...headers, Signature: made.Signature, 'Signature-Input': made['Signature-Input'] };
  return {
    method: 'GET',
    authority: host,
    target: pathname + search,
    rawHeaders: Object.entries(fields).flat(),
  };
}

function read(
  request: SignedRequest,
  nowMs = NOW,
  keys: TrustedKeys = KEYS,
): BotSignature | 'refused' | null {
  return readBotSignature(request, keys, nowMs);
}

function withField(request: SignedRequest, name: string, change: (value: string) => string): SignedRequest {
  const rawHeaders = request.rawHeaders.map((value, i) =>
    i % 2 === 1 && request.rawHeaders[i - 1] === name ? change(value) : value,
  );
  return { ...request, rawHeaders };
}

test('the thumbprint of the RFC’s key is the published one', () => {
  const x = 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs';
  assert.equal(thumbprint(x), 'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U');
});

test('a request that another implementation signed is good, and says who signed it', async () => {
  const nonce = generateNonce();
  const found = read(await signed({ nonce }));
  assert.deepEqual(found, { agent: AGENT, keyId: thumbprint(JWK.x), nonce, expiresMs: NOW + 300_000 });
  assert.equal(
    (read(await signed({ agent: null })) as BotSignature).agent,
    AGENT,
    'Signature-Agent may be left out',
  );
});

test('a request without a signature of a crawler has none', async () => {
  const request = await signed();
  assert.equal(read({ ...request, rawHeaders: ['Host', 'shop.example'] }), null);
  const other = withField(request, 'Signature-Input', (value) =>
    value.replace('web-bot-auth', 'something-else'),
  );
  assert.equal(read(other), null);
});

for (const [what, change] of [
  ['for another site', (request) => ({ ...request, authority: 'bank.example' })],
  [
    'with another time',
    (request) =>
      withField(request, 'Signature-Input', (v) => v.replace(/expires=\d+/, `expires=${NOW / 1_000 + 999}`)),
  ],
  [
    'with its tag on other components',
    (request) => withField(request, 'Signature-Input', (v) => v.replace('"@authority" ', '')),
  ],
  [
    'with one bit changed',
    (request) =>
      withField(request, 'Signature', (v) => v.replace(/:(.)/, (_, c) => `:${c === 'A' ? 'B' : 'A'}`)),
  ],
  [
    'of another algorithm',
    (request) => withField(request, 'Signature-Input', (v) => v.replace('ed25519', 'hmac-sha256')),
  ],
  ['without its signature', (request) => withField(request, 'Signature', () => 'other=:AAAA:')],
  ['that is no structured field', (request) => withField(request, 'Signature-Input', (v) => `${v}"`)],
  [
    'that is very long',
    (request) => withField(request, 'Signature-Input', (v) => `${v}, x=("${'a'.repeat(5_000)}")`),
  ],
  [
    'by an agent that is not signed',
    (request) => ({
      ...request,
      rawHeaders: [...request.rawHeaders, 'Signature-Agent', '"https://evil.example"'],
    }),
  ],
] as const satisfies readonly (readonly [string, (request: SignedRequest) => SignedRequest])[]) {
  test(`a signature ${what} is refused`, async () => {
    assert.equal(read(change(await signed())), 'refused');
  });
}

test('a signature that is over, not begun, too long or by a key that is over is refused', async () => {
  assert.equal(read(await signed(), NOW + 300_000), 'refused');
  assert.equal(read(await signed(), NOW - 61_000), 'refused');
  assert.notEqual(read(await signed(), NOW - 59_000), 'refused');
  assert.equal(read(await signed({ expires: NOW + 86_400_000 + 1_000 })), 'refused');
  assert.equal(read(await signed(), NOW, KEYS_WITH({ notAfter: NOW - 1 })), 'refused');
  assert.equal(read(await signed(), NOW, KEYS_WITH({ notBefore: NOW + 1 })), 'refused');
});

test('a signature by a key that is not known of its agent says nothing', async () => {
  assert.equal(read(await signed(), NOW, new Map()), null);
  assert.equal(read(await signed(), NOW, KEYS_WITH({ agent: 'https://other.example' })), null);
  const claimed = withField(await signed(), 'Signature-Agent', () => '"https://evil.example"');
  assert.equal(read(claimed), null);
});

test('a key that two agents publish verifies both, each under its own name', async () => {
  const keys = new Map(
    [...KEYS].map(([id, list]) => [id, [{ ...list[0]!, agent: 'https://other.example' }, ...list]]),
  );
  assert.equal((read(await signed(), NOW, keys) as BotSignature).agent, AGENT);
  const other = await signed({ agent: 'https://other.example' });
  assert.equal((read(other, NOW, keys) as BotSignature).agent, 'https://other.example');
});

/** A request whose Signature-Agent is a dictionary, as later drafts have it. */
function signedMember(member: string, key = 'sig', covered = 'sig'): SignedRequest {
  const seconds = NOW / 1_000;
  const parameters = `("@authority" "signature-agent";key="${covered}");created=${seconds};expires=${seconds + 60};keyid="${thumbprint(JWK.x)}";tag="web-bot-auth"`;
  const base = `"@authority": shop.example\n"signature-agent";key="${covered}": ${member}\n"@signature-params": ${parameters}`;
  const signature = sign(null, Buffer.from(base), createPrivateKey({ key: JWK, format: 'jwk' })).toString(
    'base64',
  );
  const fields = {
    'Signature-Agent': `${key}=${member}`,
    'Signature-Input': `sig=${parameters}`,
    Signature: `sig=:${signature}:`,
  };
  return { method: 'GET', authority: 'shop.example', target: '/', rawHeaders: Object.entries(fields).flat() };
}

test('Signature-Agent may be a dictionary whose member names a directory', () => {
  for (const member of [`"${AGENT}"`, `"${AGENT}/"`, `"${AGENT}";type=directory`]) {
    assert.equal((read(signedMember(member)) as BotSignature).agent, AGENT, member);
  }
});

test('a member that names something else than the directory of an origin is nobody’s', () => {
  const members = [
    `"${AGENT}/users/eve"`,
    `"${AGENT}";type=jwks_uri`,
    `"${AGENT}?x"`,
    '"http://bot.example"',
    '7',
    '("x")',
  ];
  for (const member of members) assert.equal(read(signedMember(member)), null, member);
  assert.equal(read(signedMember(`"${AGENT}"`, 'other')), null, 'the signed member is not there');
});

test('no bytes of a client make an exception', async () => {
  const request = await signed();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.nat(120), (input, signature, at) => {
      const cut = withField(request, 'Signature-Input', (v) => v.slice(0, at) + input + v.slice(at + 1));
      for (const each of [cut, withField(request, 'Signature', () => signature)]) {
        const found = read(each);
        assert.ok(found === null || found === 'refused' || found.agent === AGENT);
      }
    }),
  );
});

for (const [what, text, reason] of [
  ['no JSON', 'x', /not JSON/],
  ['no list', '{"keys":7}', /no list `keys`/],
  ['no key of Ed25519', '{"keys":[{"kty":"RSA"},null]}', /no key of Ed25519/],
  ['a short key', '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"abc"}]}', /no `x` of 32 bytes/],
  ['too many keys', JSON.stringify({ keys: new Array(65).fill({ kty: 'RSA' }) }), /at most 64/],
] as const) {
  test(`a key directory with ${what} is refused`, () => {
    assert.throws(() => readKeys(AGENT, text), reason);
  });
}
