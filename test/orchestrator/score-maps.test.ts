import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { type CompileOutcome, compilePolicyFile } from '../../src/orchestrator/compile-policy.ts';
import { parseIp } from '../../src/orchestrator/ip.ts';
import { compileText, errorsOf } from '../pdl/support.ts';
import { fact } from '../support/program.ts';

const POLICY = `pdl 1
import "std/tls" as tls
feed reputation of cidr to score from file "reputation.txt" { }
feed tools of ja4 to score from file "tools.txt" { }
feed networks of asn to score from file "networks.txt" { }
feed names of host to score from file "names.txt" { }
feed zen of cidr from dnsbl "zen.example" { refresh 1h }
score risk {
  clamp 0..100
  signal by_address +0..80 ramp lookup(reputation, conn.ip) from 0 to 100
  signal by_tool +30 when lookup(tools, hello.ja4) >= 50
  signal by_network +7 when lookup(networks, conn.asn) == 9
  signal by_name +3 when lookup(names, hello.sni) in 10..20
  signal listed +40 when conn.ip in zen
}
policy low  extends tls.intermediate { }
policy high extends tls.modern { action refuse alert access_denied  rank 90 }
site main {
  listen edge
  sni any
  score risk
  ladder { from 0 use low  from 50 use high }
  on_error use low
}
test "a bad address is refused" for main {
  given { conn.ip 192.0.2.9  feed reputation { "192.0.2.0/24 10", "192.0.2.9 75" } }
  expect { score 60  policy high }
}
test "the nearest prefix counts" for main {
  given { conn.ip 192.0.2.8  feed reputation { "192.0.2.0/24 10", "192.0.2.9 75" } }
  expect { score 8  policy low }
}
test "a member without a score has the highest" for main {
  given { conn.ip 192.0.2.8  feed reputation { 192.0.2.0/24 } }
  expect { score 80 }
}
test "what is in no member has no score" for main {
  given { conn.ip 198.51.100.1  feed reputation { 192.0.2.0/24 } }
  expect { score 0 }
}
test "networks, names and tools have scores" for main {
  given {
    conn.asn AS64500  hello.sni "a.b.example"  hello.ja4 "t13d1516h2_8daaf6152771_02713d6af862"
    feed networks { "64500 9" }  feed names { "*.example 90", "*.b.example 15" }
    feed tools { "t13d1516h2_8daaf6152771_02713d6af862 50" }
  }
  expect { score 40 }
}
test "a DNS list counts" for main {
  given { conn.ip 192.0.2.8  feed zen { 192.0.2.8/32 } }
  expect { score 40 }
}
`;

function compileIn(t: TestContext, files: Readonly<Record<string, string>>): CompileOutcome {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-maps-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ['reputation', 'tools', 'networks', 'names'])
    writeFileSync(join(folder, `${name}.txt`), '');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'policy.pdl'), POLICY);
  return compilePolicyFile({ path: join(folder, 'policy.pdl'), host: null, purpose: 'serve', env: {} });
}

const errors = ({ diagnostics }: CompileOutcome): string[] =>
  diagnostics.filter(({ severity }) => severity === 'error').map(({ code, line }) => `${code} ${line}`);

test('a policy that looks scores up passes its own tests and is served', (t) => {
  const outcome = compileIn(t, {});
  assert.deepEqual(errors(outcome), []);
  assert.deepEqual(
    outcome.tests.filter(({ passed }) => !passed).map(({ name }) => name),
    [],
  );
  assert.equal(outcome.tests.length, 6);
});

test('a file of scores decides as it says, ipsum with its counts too', (t) => {
  const { bundle } = compileIn(t, {
    'reputation.txt': '# IPsum\n192.0.2.9\t8\n2001:db8::/32 50\n192.0.2.0/24,100\n',
  });
  const core = new Core(loadCoreModule());
  core.loadTables(bundle!.tables);
  core.loadImage(bundle!.image);
  const score = (address: string): number => {
    core.begin();
    const { ip, isV4 } = parseIp(address)!;
    core.setIp(fact('conn.ip'), ip, isV4);
    return core.decide(0, 3).score;
  };
  assert.deepEqual(
    ['192.0.2.9', '192.0.2.10', '2001:db8::7', '203.0.113.1', '::ffff:192.0.2.9'].map(score),
    [6, 80, 40, 0, 6],
  );
});

for (const [what, text, line] of [
  ['a score that is none', '192.0.2.1 5\n192.0.2.2 high\n', 2],
  ['a member that is none', '300.0.2.1 5\n', 1],
] as const) {
  test(`a file of scores with ${what} is refused at its line`, (t) => {
    assert.deepEqual(errors(compileIn(t, { 'reputation.txt': text })), [`FEED-002 ${line}`]);
  });
}

test('a ninth feed to score is one too many', () => {
  const feeds = Array.from({ length: 9 }, (_, i) => `feed f${i} of cidr to score from file "f" { }`).join(
    '\n',
  );
  const uses = Array.from({ length: 9 }, (_, i) => `signal s${i} +1 when lookup(f${i}, conn.ip) > 0`).join(
    '\n',
  );
  const text = POLICY.slice(0, POLICY.indexOf('test ')).replace('feed zen', `${feeds}\nfeed zen`);
  const result = compileText(text.replace('signal listed', `${uses}\nsignal listed`));
  assert.match(errorsOf(result)[0]!.message, /13 feeds to score, and 8 is the most/);
});

test('a DNS list is asked about addresses', () => {
  const result = compileText(POLICY.replace('feed zen of cidr', 'feed zen of host'));
  assert.ok(
    errorsOf(result).some(
      ({ code, message }) => code === 'PDL-Y005' && /asked about addresses/.test(message),
    ),
  );
});
