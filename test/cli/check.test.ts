import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeCertificate } from '../support/certificate.ts';
import { jsonLines, SMALL, Workspace } from './support.ts';

const workspace = new Workspace();
after(() => workspace.remove());
const sallyport = workspace.sallyport.bind(workspace);

const TYPO = SMALL.replace('conn.ip in listed', 'conn.ip in lsited');
const WARNED = SMALL.replace('site main', 'set unused of cidr = { 192.0.2.0/24 }\nsite main');
workspace.file('good.pdl', SMALL);
workspace.file('in a folder/typo.pdl', TYPO);
workspace.file('warned.pdl', WARNED);

interface Sarif {
  version: string;
  runs: {
    tool: { driver: { rules: { id: string }[] } };
    results: {
      ruleId: string;
      ruleIndex: number;
      level: string;
      locations: { physicalLocation: { artifactLocation: object; region: object } }[];
      fixes?: { artifactChanges: { replacements: { insertedContent: { text: string } }[] }[] }[];
    }[];
  }[];
}

test('SARIF has one run with a rule for each code and a result for each finding', () => {
  const { status, stdout, stderr } = sallyport([
    'check',
    'in a folder/typo.pdl',
    'warned.pdl',
    '--format',
    'sarif',
  ]);
  assert.deepEqual([status, stderr], [1, '']);
  const { version, runs } = JSON.parse(stdout) as Sarif;
  assert.deepEqual([version, runs.length], ['2.1.0', 1]);
  const { tool, results } = runs[0]!;
  for (const { ruleId, ruleIndex } of results) assert.equal(tool.driver.rules[ruleIndex]!.id, ruleId);
  const typo = results.find(({ ruleId }) => ruleId === 'PDL-N001')!;
  assert.equal(typo.level, 'error');
  assert.deepEqual(typo.locations[0]!.physicalLocation, {
    artifactLocation: { uri: 'in%20a%20folder/typo.pdl', uriBaseId: 'SRCROOT' },
    region: { startLine: 7, startColumn: 40, endLine: 7, endColumn: 46 },
  });
  assert.equal(typo.fixes![0]!.artifactChanges[0]!.replacements[0]!.insertedContent.text, 'listed');
  assert.equal(results.find(({ ruleId }) => ruleId === 'PDL-P001')!.level, 'warning');
});

test('SARIF of policies without a finding has no results, and exit code 0', () => {
  const { status, stdout } = sallyport(['check', 'good.pdl', '--format', 'sarif']);
  assert.equal(status, 0);
  assert.deepEqual((JSON.parse(stdout) as Sarif).runs[0]!.results, []);
});

test('a person sees each finding drawn with a short path, and a verdict on the file with the counts', () => {
  const { status, stdout, stderr } = sallyport([
    'check',
    'in a folder/typo.pdl',
    'warned.pdl',
    '--format',
    'human',
  ]);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, / in a folder\/typo\.pdl:7:40\n/);
  assert.match(stderr, /in a folder\/typo\.pdl: not usable, 1 error/);
  assert.match(stderr, /warned\.pdl: ok, 1 warning, 1 test passed\n/);
});

test('lint counts warnings as problems, and --fix mends what is safe', () => {
  assert.equal(sallyport(['lint', 'good.pdl']).status, 0);
  const warned = sallyport(['lint', 'warned.pdl']);
  assert.equal(warned.status, 1);
  assert.deepEqual(
    jsonLines(warned.stdout).map(({ code }) => code),
    ['PDL-P001'],
  );
  const { status, stderr } = sallyport(['lint', 'in a folder', '--fix', '--format', 'human']);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^fixed in a folder\/typo\.pdl:7 PDL-N001 /m);
  assert.equal(readFileSync(join(workspace.directory, 'in a folder/typo.pdl'), 'utf8'), SMALL);
});

test('lint without --fix writes nothing', () => {
  workspace.file('again.pdl', TYPO);
  assert.equal(sallyport(['lint', 'again.pdl']).status, 1);
  assert.equal(readFileSync(join(workspace.directory, 'again.pdl'), 'utf8'), TYPO);
});

test('lint of a path that is not there is wrong usage', () => {
  assert.equal(sallyport(['lint', 'nowhere']).status, 2);
});

test('a code is explained with what to avoid and what to prefer', () => {
  const { status, stdout } = sallyport(['explain', 'pdl-r002', '--format', 'human']);
  assert.equal(status, 0);
  assert.match(stdout, /^warning PDL-R002: [^\n]+\n\n[^\n]+\n\navoid\n {4}[\s\S]+\n\nprefer\n {4}/);
  const wrong = sallyport(['explain', 'PDL-R0022']);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /did you mean `PDL-R002`\?/);
});

test('a configuration whose policy has feeds to fetch is fine: that they were not fetched yet is a warning', async () => {
  const feed = 'feed bad of cidr from url "https://feeds.example/bad" { refresh 1h }';
  const policy = SMALL.replace(
    'signal is_listed +60',
    'signal bad +9 when conn.ip in bad\n  signal is_listed +60',
  );
  workspace.file('fetching.pdl', policy.replace('score risk', `${feed}\nscore risk`));
  const { certificate, key } = await makeCertificate({ names: ['localhost'] });
  workspace.file('cert.pem', certificate);
  workspace.file('key.pem', key);
  workspace.file(
    'fetching.yaml',
    `version: 1
policy: fetching.pdl
listeners: [ { name: edge, address: 127.0.0.1:0, certificates: [ default ], upstream: app } ]
certificates: { default: { certificate: cert.pem, key: key.pem } }
upstreams: { app: { protocol: http, url: http://127.0.0.1:1 } }
`,
  );
  const { stdout } = sallyport(['check', 'fetching.yaml', '--format', 'json']);
  const found = jsonLines(stdout).filter(({ code }) => String(code).startsWith('FEED'));
  assert.deepEqual(
    found.map(({ code, severity }) => [code, severity]),
    [['FEED-001', 'warning']],
  );
});
