import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CLEARANCE_COOKIE } from '../../src/challenge/cookie.ts';
import { MAX_SUBMIT_BYTES, ProofOfWork, SUBMIT_PATH, wantsHtml } from '../../src/challenge/pow.ts';
import { solve } from '../../src/challenge/solver.ts';
import { ClearanceTable } from '../../src/limit/clearance-table.ts';

const NOW = 1_800_000_000_000;
const SECRET = Buffer.alloc(32, 7);
const BINDING = '192.0.2.0/24 t13d1516h2_8daaf6152771_02713d6af862';
const OPTIONS = { secret: SECRET, name: 'js', solveWithinMs: 60_000, clearsForMs: 3_600_000 };

interface Problem {
  readonly challenge: {
    token: string;
    difficulty: number;
    algorithm: string;
    submit: string;
    expires: string;
  };
}

function pose(pow: ProofOfWork, difficulty = 4, nowMs = NOW): string {
  const { body } = pow.problem({ difficulty, binding: BINDING, nowMs, returnTo: '/' });
  return (JSON.parse(body) as Problem).challenge.token;
}

function form(token: string, nonce: string, returnTo = '/a?b=c'): string {
  return new URLSearchParams({ token, nonce, return: returnTo }).toString();
}

function answerTo(token: string, difficulty = 4): string {
  return form(token, solve(token, difficulty, 0, 1, 1e6)!);
}

function code(result: ReturnType<ProofOfWork['handleSubmit']>): string {
  return result.ok ? 'ok' : result.code;
}

/** The pair of a `Set-Cookie` value. */
function pair(cookie: string): string {
  return cookie.slice(0, cookie.indexOf(';'));
}

function cleared(pow: ProofOfWork): string {
  const result = pow.handleSubmit(answerTo(pose(pow)), BINDING, NOW);
  assert.ok(result.ok);
  return pair(result.cookie);
}

test('a right answer earns a cookie and the way back', () => {
  const pow = new ProofOfWork(OPTIONS);
  const result = pow.handleSubmit(answerTo(pose(pow)), BINDING, NOW + 1000);
  assert.ok(result.ok);
  assert.equal(result.returnTo, '/a?b=c');
  const attributes = result.cookie.split('; ').slice(1);
  assert.deepEqual(attributes, ['Path=/', 'Max-Age=3600', 'Secure', 'HttpOnly', 'SameSite=Lax']);
  assert.ok(pow.checkCookie(pair(result.cookie), BINDING, NOW + 1000));
});

test('a wrong nonce is refused', () => {
  const pow = new ProofOfWork(OPTIONS);
  const token = pose(pow, 64);
  assert.equal(code(pow.handleSubmit(form(token, '1'), BINDING, NOW)), 'solution_wrong');
});

test('a token is accepted once', () => {
  const pow = new ProofOfWork(OPTIONS);
  const answer = answerTo(pose(pow));
  assert.equal(code(pow.handleSubmit(answer, BINDING, NOW)), 'ok');
  assert.equal(code(pow.handleSubmit(answer, BINDING, NOW + 1)), 'replayed');
});

test('a token is accepted once by all that share a table', () => {
  const memory = ClearanceTable.allocate(64);
  const [one, two] = [1, 2].map(() => new ProofOfWork({ ...OPTIONS, spent: new ClearanceTable(memory) }));
  const answer = answerTo(pose(one!));
  assert.equal(code(one!.handleSubmit(answer, BINDING, NOW)), 'ok');
  assert.equal(code(two!.handleSubmit(answer, BINDING, NOW)), 'replayed');
});

test('a wrong answer does not spend the token', () => {
  const pow = new ProofOfWork(OPTIONS);
  const token = pose(pow, 8);
  const nonce = Number(solve(token, 8, 1, 1, 1e6));
  assert.equal(code(pow.handleSubmit(form(token, String(nonce - 1)), BINDING, NOW)), 'solution_wrong');
  assert.equal(code(pow.handleSubmit(form(token, String(nonce)), BINDING, NOW)), 'ok');
});

test('a token expires', () => {
  const pow = new ProofOfWork(OPTIONS);
  const answer = answerTo(pose(pow));
  assert.equal(code(pow.handleSubmit(answer, BINDING, NOW + 60_000)), 'expired');
});

test('a token from the future is refused', () => {
  const pow = new ProofOfWork(OPTIONS);
  const answer = answerTo(pose(pow));
  assert.equal(code(pow.handleSubmit(answer, BINDING, NOW - 60_000)), 'not_yet');
});

test('a token is worth nothing to another client, challenge or secret', () => {
  const pow = new ProofOfWork(OPTIONS);
  const answer = answerTo(pose(pow));
  assert.equal(code(pow.handleSubmit(answer, 'another', NOW)), 'token_invalid');
  const renamed = new ProofOfWork({ ...OPTIONS, name: 'other' });
  assert.equal(code(renamed.handleSubmit(answer, BINDING, NOW)), 'token_invalid');
  const rekeyed = new ProofOfWork({ ...OPTIONS, secret: Buffer.alloc(32, 8) });
  assert.equal(code(rekeyed.handleSubmit(answer, BINDING, NOW)), 'token_invalid');
});

test('no changed token passes', () => {
  const pow = new ProofOfWork(OPTIONS);
  const token = pose(pow, 0);
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom(...'ABCDwxyz0189-_'), (at, character) => {
      fc.pre(token[at] !== character);
      const changed = token.slice(0, at) + character + token.slice(at + 1);
      assert.equal(code(pow.handleSubmit(form(changed, '0'), BINDING, NOW)), 'token_invalid');
    }),
  );
});

test('a token made easier is refused', () => {
  const pow = new ProofOfWork(OPTIONS);
  const bytes = Buffer.from(pose(pow, 30), 'base64url');
  bytes[1] = 0;
  const easier = bytes.toString('base64url');
  assert.equal(code(pow.handleSubmit(form(easier, '0'), BINDING, NOW)), 'token_invalid');
});

test('bodies that are no answer are refused', () => {
  const pow = new ProofOfWork(OPTIONS);
  const token = pose(pow, 0);
  for (const body of [
    '',
    'token=',
    '{}',
    `token=${token}`,
    form(token, ''),
    form(token, '-1'),
    form(token, '1'.repeat(17)),
  ]) {
    assert.equal(code(pow.handleSubmit(body, BINDING, NOW)), 'malformed', body);
  }
  assert.equal(code(pow.handleSubmit('x'.repeat(MAX_SUBMIT_BYTES + 1), BINDING, NOW)), 'too_long');
});

test('no body makes it throw', () => {
  const pow = new ProofOfWork(OPTIONS);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (token, nonce) => {
      assert.equal(pow.handleSubmit(`token=${token}&nonce=${nonce}`, BINDING, NOW).ok, false);
      assert.equal(pow.handleSubmit(form(token, '1'), BINDING, NOW).ok, false);
    }),
  );
});

test('an answer cannot send the client elsewhere', () => {
  const pow = new ProofOfWork(OPTIONS);
  const result = pow.handleSubmit(form(pose(pow, 0), '0', '//evil.example'), BINDING, NOW);
  assert.ok(result.ok);
  assert.equal(result.returnTo, '/');
});

test('a clearance holds among other cookies', () => {
  const pow = new ProofOfWork(OPTIONS);
  const cookie = cleared(pow);
  assert.ok(pow.checkCookie(`a=b; ${cookie}; c=d`, BINDING, NOW));
  assert.ok(pow.checkCookie(`a=b;${cookie}`, BINDING, NOW));
  assert.ok(pow.checkCookie(`${CLEARANCE_COOKIE}=x; ${cookie}`, BINDING, NOW));
});

test('a clearance expires', () => {
  const pow = new ProofOfWork(OPTIONS);
  const cookie = cleared(pow);
  assert.ok(pow.checkCookie(cookie, BINDING, NOW + 3_599_999));
  assert.ok(!pow.checkCookie(cookie, BINDING, NOW + 3_600_000));
});

test('a clearance is worth nothing to another client, challenge or secret', () => {
  const cookie = cleared(new ProofOfWork(OPTIONS));
  assert.ok(!new ProofOfWork(OPTIONS).checkCookie(cookie, 'another', NOW));
  assert.ok(!new ProofOfWork({ ...OPTIONS, name: 'other' }).checkCookie(cookie, BINDING, NOW));
  assert.ok(!new ProofOfWork({ ...OPTIONS, secret: Buffer.alloc(32, 8) }).checkCookie(cookie, BINDING, NOW));
});

test('a token is no clearance', () => {
  const pow = new ProofOfWork(OPTIONS);
  assert.ok(!pow.checkCookie(`${CLEARANCE_COOKIE}=${pose(pow)}`, BINDING, NOW));
});

test('headers without a clearance clear nobody', () => {
  const pow = new ProofOfWork(OPTIONS);
  const cookie = cleared(pow);
  for (const header of [
    undefined,
    '',
    'a=b',
    CLEARANCE_COOKIE,
    `${CLEARANCE_COOKIE}=`,
    `x${cookie}`,
    `a=${cookie}`,
  ]) {
    assert.ok(!pow.checkCookie(header, BINDING, NOW), `${header}`);
  }
});

test('a short secret is refused', () => {
  assert.throws(() => new ProofOfWork({ ...OPTIONS, secret: new Uint8Array(15) }), RangeError);
});

test('the page allows its own script only and is not kept', () => {
  const pow = new ProofOfWork(OPTIONS);
  const request = { difficulty: 16, binding: BINDING, nowMs: NOW, returnTo: '/a"><script>' };
  const { status, headers, body } = pow.page(request);
  assert.equal(status, 403);
  assert.equal(headers['cache-control'], 'no-store');
  const nonce = /script-src 'nonce-([^']+)';/.exec(headers['content-security-policy']!)![1]!;
  const scripts = [...body.matchAll(/<script[^>]*>/g)].map((match) => match[0]);
  assert.deepEqual(scripts, [`<script nonce="${nonce}">`]);
  assert.ok(body.includes('data-return="/a&quot;&gt;&lt;script&gt;"'));
  assert.notEqual(pow.page(request).headers['content-security-policy'], headers['content-security-policy']);
});

test('a program is told what to solve and where to send it', () => {
  const { status, headers, body } = new ProofOfWork(OPTIONS).problem({
    difficulty: 17,
    binding: BINDING,
    nowMs: NOW,
    returnTo: '/',
  });
  assert.equal(status, 403);
  assert.equal(headers['content-type'], 'application/problem+json');
  const { challenge } = JSON.parse(body) as Problem;
  assert.deepEqual(
    { ...challenge, token: '' },
    {
      algorithm: 'sha256_bits',
      token: '',
      difficulty: 17,
      expires: new Date(NOW + 60_000).toISOString(),
      submit: SUBMIT_PATH,
    },
  );
});

test('browsers want HTML and programs do not', () => {
  assert.ok(wantsHtml('text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'));
  for (const accept of [undefined, '*/*', 'application/json', 'text/htmlx'])
    assert.ok(!wantsHtml(accept), `${accept}`);
});
