import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { jsonLines, SMALL, Workspace } from './support.ts';

const workspace = new Workspace();
after(() => workspace.remove());
const sallyport = workspace.sallyport.bind(workspace);
workspace.file('policy.pdl', SMALL);
workspace.file('broken.pdl', SMALL.replace('extends tls.modern', 'extends tls.moderne'));

test('expand prints sites, scores and policies with origin and enforcement', () => {
  const { status, stdout } = sallyport(['expand', 'policy.pdl', '--format', 'human']);
  assert.equal(status, 0);
  assert.match(stdout, /^site main\n/);
  assert.match(stdout, /\npolicy low {2}extends tls\.intermediate extends tls\.modern\n/);
  assert.match(stdout, / versions +tls1\.2\.\.tls1\.3 +tls\.intermediate std\/tls:\d+ +by OpenSSL\n/);
  assert.match(stdout, / action +refuse alert access_denied +high policy\.pdl:10 +before TLS\n/);
});

test('expand of one name prints that alone, as JSON elsewhere than on a terminal', () => {
  const { status, stdout } = sallyport(['expand', 'policy.pdl', 'high']);
  assert.equal(status, 0);
  const [{ sites, scores, policies }] = jsonLines(stdout) as [
    { sites: unknown[]; scores: unknown[]; policies: { name: string }[] },
  ];
  assert.deepEqual([sites, scores, policies.map(({ name }) => name)], [[], [], ['high']]);
});

test('a name that is not there is wrong usage, a policy with errors a problem', () => {
  const wrong = sallyport(['expand', 'policy.pdl', 'nobody']);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /called nobody; there are main, risk, low, high/);
  const broken = sallyport(['expand', 'broken.pdl']);
  assert.equal(broken.status, 1);
  assert.equal(jsonLines(broken.stdout)[0]!.code, 'PDL-N001');
  assert.equal(sallyport(['expand', 'nowhere.pdl']).status, 1);
});
