import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAdminServer } from '../../src/admin/server.ts';
import { MAIN } from '../cli/support.ts';
import { prefixLines } from '../intel/support.ts';
import { ACTIONS_POLICY, startTestEdge, type TestEdge } from '../support/edge.ts';
import { serveList } from './list-server.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Run = (...args: string[]) => Promise<Ran>;

/** The command against an edge; asynchronous, since the edge answers on this loop. */
async function command(t: TestContext, { edge, directory }: TestEdge): Promise<Run> {
  const tokenFile = join(directory, 'admin.token');
  const server = await startAdminServer({
    address: { host: '127.0.0.1', port: 0 },
    tokenFile,
    control: edge,
  });
  t.after(() => server.close());
  const flags = ['--admin-address', `127.0.0.1:${server.port}`, '--token-file', tokenFile];
  return (...args) =>
    new Promise((resolve) => {
      execFile(process.execPath, [MAIN, 'feed', ...args, ...flags], (error, out, err) =>
        resolve({ code: Number(error?.code ?? 0), out, err }),
      );
    });
}

const FEEDS = (url: string): string => `
feed bad of cidr from url "${url}" { refresh 1h  max_age 3d }
feed marked of cidr to score from file "marked.txt" { refresh 1m }
feed names of host from file "names.txt" { }
`;
const POLICY = (url: string): string =>
  ACTIONS_POLICY.replace(/feed blocked .*\n/, FEEDS(url)).replace(
    'signal listed +100 when conn.ip in blocked',
    `signal listed +100 when conn.ip in bad
     signal marked +0..9 ramp lookup(marked, conn.ip) from 0 to 100
     signal name +1 when hello.sni in names`,
  );

test('feeds of a running edge are listed, shown, looked up and refreshed', async (t) => {
  const { list, url, ca } = await serveList(t, prefixLines(40));
  const feeds = { ca, directory: 'feeds', neverBlock: ['45.0.3.7'] };
  const edge = await startTestEdge(t, {
    policy: POLICY(url),
    feeds,
    files: { 'marked.txt': '192.0.2.0/24 30\n192.0.2.7 90\n', 'names.txt': '*.evil.example\n' },
  });
  const run = await command(t, edge);

  const listed = await run('list', '--format', 'human');
  assert.equal(listed.code, 0, listed.err);
  assert.match(listed.out, /^feed +of +from +members +age +next +state\n/);
  assert.match(
    listed.out,
    /^bad +cidr +url +39 +\d+s +in (?:5\dm|1h).* +good$/m,
    'without the one never blocked',
  );
  assert.match(listed.out, /^marked +cidr to score +file +2 /m);

  const found = await run('lookup', '192.0.2.7', '--format', 'json');
  const { found: matches, searched } = JSON.parse(found.out);
  assert.deepEqual(searched, ['bad', 'marked']);
  assert.deepEqual(
    matches.map(({ entry, line, score }: Record<string, unknown>) => [entry, line, score]),
    [
      ['192.0.2.0/24', 1, 30],
      ['192.0.2.7', 2, 90],
    ],
  );
  const name = await run('lookup', 'www.EVIL.example', '--format', 'human');
  assert.match(name.out, /^names +\*\.evil\.example +1$/m);
  const never = await run('lookup', '45.0.3.9', '--format', 'human');
  assert.match(never.out, /45\.0\.3\.0\/24.*is never blocked, does not count/);
  const none = await run('lookup', '198.51.100.1', '--format', 'human');
  assert.deepEqual([none.code, none.out], [1, '198.51.100.1 is in none of: bad, marked\n']);

  list.body = prefixLines(500);
  const refused = await run('refresh', 'bad', '--format', 'human');
  assert.equal(refused.code, 1);
  assert.match(refused.out, /refused, and what was in force stays: it grew from 40 to 500/);
  assert.match(refused.out, /--accept-size/);
  const shown = await run('show', 'bad', '--format', 'human');
  assert.equal(shown.code, 1);
  assert.match(shown.out, /state +failing\n[\s\S]*failed +it grew/);
  const taken = await run('refresh', 'bad', '--accept-size', '--format', 'json');
  assert.equal(JSON.parse(taken.out).result, 'changed');

  const unknown = await run('refresh', 'mark');
  assert.match(unknown.err, /no feed called mark is fetched; these are: bad/);
  const file = await run('refresh', 'marked');
  assert.match(file.err, /marked is not fetched: a changed file is read by itself; these are: bad/);
  assert.match((await run('show', 'mark')).err, /no feed called mark; .*marked/);
});

test('a file is verified as a feed, with lines and columns of what is wrong', async (t) => {
  const edge = await startTestEdge(t, {
    policy: POLICY('https://127.0.0.1:1/'),
    files: { 'marked.txt': '', 'names.txt': '' },
  });
  const verify = (args: readonly string[]): Promise<Ran> =>
    new Promise((resolve) => {
      const options = { cwd: edge.directory };
      execFile(process.execPath, [MAIN, 'feed', 'verify', ...args], options, (error, out, err) =>
        resolve({ code: Number(error?.code ?? 0), out, err }),
      );
    });
  const write = (name: string, text: string): void => writeFileSync(join(edge.directory, name), text);

  write('good.txt', `# list\n${prefixLines(200)}  oops\n`);
  const good = await verify(['good.txt', '--format', 'human']);
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /good\.txt: would be taken\n {2}200 members of type cidr, read as lines\n/);
  assert.match(good.out, /good\.txt:202:3: "oops"/);

  write('bad.csv', 'ip,why\n45.0.0.1,x\n10.0.0.0/8,y\n0.0.0.0/0,z\n');
  const bad = await verify(['bad.csv', '--column', 'ip', '--before', '100', '--format', 'json']);
  assert.equal(bad.code, 1);
  const report = JSON.parse(bad.out);
  assert.deepEqual([report.format, report.members, report.ok], ['csv', 3, false]);
  assert.deepEqual(
    report.findings.map(({ message, line }: { message: string; line: number }) => [
      message.split(',')[0],
      line,
    ]),
    [
      ['it shrank from 100 to 3 members at once', null],
      ['it holds 10.0.0.0/8', 3],
      ['it holds 0.0.0.0/0', 4],
    ],
  );

  write('scores.txt', '192.0.2.1 5\n192.0.2.2 high\n');
  const scores = await verify([
    'scores.txt',
    '--feed',
    'marked',
    '--policy',
    'policy.pdl',
    '--format',
    'human',
  ]);
  assert.match(scores.out, /such as 192\.0\.2\.1 5\n/);
  assert.match(scores.out, /scores\.txt:2:1: "192\.0\.2\.2 high"/);

  write('page.html', '<!DOCTYPE html><html></html>');
  assert.match(
    (await verify(['page.html', '--format', 'human'])).out,
    /refused\n.*\n {2}page\.html:1: it is a web page/,
  );
  assert.match(
    (await verify(['page.html', '--feed', 'nope', '--policy', 'policy.pdl'])).err,
    /has no feed called nope/,
  );
  const nothing = await verify(['nothing.txt']);
  assert.deepEqual([nothing.code, nothing.err], [2, 'sallyport: cannot read nothing.txt (ENOENT)\n']);
});
