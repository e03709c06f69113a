/** Knowing a client: the table of TLS clients for hellos seen before and new ones, and the facts of a request. */
import { Core } from '../src/core/core.ts';
import { loadCoreModule } from '../src/core/module.ts';
import { setClientFacts, setRequestFacts } from '../src/orchestrator/request-facts.ts';
import { ClientMatcher } from '../src/profile/client-matcher.ts';
import { loadClients } from '../src/profile/clients.ts';
import { profileRequest, type RequestHead } from '../src/profile/http.ts';
import { timeTasks } from './lib/samples.ts';
import type { Bench, BenchOptions } from './main.ts';

const CALLS = 2_000;
const CHROMIUM = 't13d1516h2_8daaf6152771_02713d6af862';
const RAW =
  't13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_' +
  '0005,000a,000b,000d,0012,0017,001b,0023,002b,002d,0033,4469,fe0d,ff01_0403,0804,0401,0503,0805,0501,0806,0601';
const REQUEST: RequestHead = {
  method: 'GET',
  url: '/products/shoes?page=2',
  httpVersionMajor: 2,
  httpVersionMinor: 0,
  rawHeaders: [
    ...[
      ':method',
      'GET',
      ':authority',
      'shop.example',
      ':scheme',
      'https',
      ':path',
      '/products/shoes?page=2',
    ],
    ...['sec-ch-ua', '"Chromium";v="142"', 'sec-ch-ua-mobile', '?0', 'sec-ch-ua-platform', '"Linux"'],
    ...['upgrade-insecure-requests', '1', 'user-agent'],
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    ...['accept', 'text/html,*/*;q=0.8', 'sec-fetch-site', 'none', 'sec-fetch-mode', 'navigate'],
    ...['accept-encoding', 'gzip, deflate, br, zstd', 'accept-language', 'en', 'cookie', 'a=1; b=2'],
  ],
};

async function run({ rounds, milliseconds }: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const { table } = loadClients(null);
  if (table === null) throw new Error('the table of TLS clients cannot be read');
  const matcher = new ClientMatcher(table);
  const core = new Core(loadCoreModule());
  const tlsClient = matcher.match(CHROMIUM, { ja4r: RAW });
  let unseen = 0;
  const times = (name: string, call: () => void): { name: string; calls: number; run: () => void } => ({
    name,
    calls: CALLS,
    run: () => {
      for (let i = 0; i < CALLS; i++) call();
    },
  });
  const http = profileRequest(REQUEST);
  const shown = { stack: null, tlsClient, h2: '1:65536|00|0|m,a,s,p', intermediary: false };
  const tasks = [
    times('client of a hello seen before', () => matcher.match(CHROMIUM, { ja4r: RAW })),
    times('client of a hello never seen', () => {
      const c = (unseen++).toString(16).padStart(12, '0');
      matcher.match(`t13d1516h2_8daaf6152771_${c}`, { ja4r: RAW });
    }),
    times('profile of a request', () => profileRequest(REQUEST)),
    times('facts of a request, its User-Agent seen before', () => {
      core.begin();
      setRequestFacts(core, http, true);
      setClientFacts(core, http, shown);
    }),
  ];
  const timings = await timeTasks(tasks, rounds!, milliseconds!);
  console.table(Object.fromEntries(timings.map(({ name, nanoseconds }) => [name, nanoseconds])));
  return { passed: true, result: { rows: table.rows.length, timings } };
}

export const bench: Bench = {
  summary: 'Knowing a client: its ClientHello in the table, and what its request tells.',
  defaults: { rounds: 5, milliseconds: 300 },
  run,
};
