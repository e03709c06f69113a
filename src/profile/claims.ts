/**
 * The maintained tables behind the mismatches: which systems a SYN leaves possible, and which TLS clients go with what
 * a User-Agent claims. Where a claim is not here, nothing can contradict it.
 */
import type { UserAgent } from './user-agent.ts';

/** The systems of User-Agents that a SYN can contradict; consoles, television sets and the like are none. */
export const KNOWN_SYSTEMS: ReadonlySet<string> = new Set([
  'Windows',
  'macOS',
  'iOS',
  'Android',
  'Linux',
  'Chrome OS',
]);

/** By family of the SYN's stack: the known systems that use it, or that its browsers call themselves by. */
export const SYSTEMS_OF_STACK: Readonly<Record<string, ReadonlySet<string>>> = {
  // Android and ChromeOS have Linux's stack; Android's browsers ask for desktop sites as Linux.
  Linux: new Set(['Linux', 'Android', 'Chrome OS']),
  Android: new Set(['Android', 'Linux', 'Chrome OS']),
  Windows: new Set(['Windows']),
  // An iPad calls itself a Mac.
  Darwin: new Set(['macOS', 'iOS']),
  FreeBSD: new Set([]),
  OpenBSD: new Set([]),
};

/** What a User-Agent claims to be, in the names of the table of TLS clients. */
export interface Claim {
  /** Programs of the table that it may come with. */
  readonly programs: ReadonlySet<string>;
  /** TLS libraries that the program is built with besides: a hello of one does not speak against it. */
  readonly libraries: ReadonlySet<string>;
}

const claim = (programs: readonly string[], libraries: readonly string[] = []): Claim => ({
  programs: new Set(programs),
  libraries: new Set(libraries),
});

const CHROMIUM = claim(['Chromium']);
/** Tor Browser calls itself Firefox. */
const FIREFOX = claim(['Firefox', 'Tor Browser']);
const SAFARI = claim(['Safari']);
/** Of Windows; no program of the table uses it. */
const SCHANNEL = claim([], ['Schannel']);
/** Browsers on iOS use Apple's engine; in some countries their own. */
const ON_IOS: Readonly<Record<string, Claim>> = {
  Chrome: claim(['Safari', 'Chromium']),
  'Microsoft Edge': claim(['Safari', 'Chromium']),
  Firefox: claim(['Safari', 'Firefox']),
};

const LIBCURL = ['OpenSSL', 'GnuTLS', 'NSS', 'LibreSSL', 'wolfSSL', 'mbedTLS', 'rustls', 'Schannel', 'Apple'];
const CURL = claim(['curl'], LIBCURL);
const PYTHON = claim(['Python'], ['OpenSSL', 'LibreSSL']);
const NODE = claim(['Node.js', 'Bun', 'Deno'], ['OpenSSL', 'BoringSSL', 'rustls']);
const JAVA = claim(['Java'], ['JSSE', 'BoringSSL', 'OpenSSL']);
const TEXT_BROWSER = ['OpenSSL', 'GnuTLS'];

/** By the first product of the User-Agent, for programs that are not browsers. */
const TOOLS: Readonly<Record<string, Claim>> = {
  curl: CURL,
  libcurl: CURL,
  git: CURL,
  pycurl: CURL,
  wget: claim(['Wget'], ['OpenSSL', 'GnuTLS']),
  aria2: claim(['aria2'], ['OpenSSL', 'GnuTLS', 'Apple', 'Schannel']),
  lynx: claim(['Lynx'], TEXT_BROWSER),
  w3m: claim(['w3m'], TEXT_BROWSER),
  elinks: claim(['ELinks'], TEXT_BROWSER),
  h2load: claim(['h2load'], ['OpenSSL', 'BoringSSL']),
  apachebench: claim(['ab'], ['OpenSSL']),
  python: PYTHON,
  'python-requests': PYTHON,
  'python-urllib': PYTHON,
  'python-urllib3': PYTHON,
  'python-httpx': PYTHON,
  'go-http-client': claim(['Go']),
  'java-http-client': JAVA,
  java: JAVA,
  'apache-httpclient': JAVA,
  okhttp: JAVA,
  node: NODE,
  'node-fetch': NODE,
  undici: NODE,
  axios: NODE,
  bun: claim(['Bun']),
  deno: claim(['Deno']),
  'libwww-perl': claim(['Perl'], ['OpenSSL']),
  ruby: claim(['Ruby'], ['OpenSSL']),
  guzzlehttp: claim(['PHP', 'curl'], LIBCURL),
};

/** What a User-Agent claims; null when it claims nothing that a ClientHello could contradict. */
export function claimOf(agent: UserAgent): Claim | null {
  // Crawlers name the browser that they render with, or none at all.
  if (agent.bot) return null;
  const tool = agent.product === null ? undefined : TOOLS[agent.product];
  if (tool !== undefined) return tool;
  // Browsers begin with Mozilla; an app that names its device is none.
  if (agent.browser === null || agent.product !== 'mozilla') return null;
  if (agent.os === 'iOS' && agent.engine === 'WebKit') return ON_IOS[agent.browser] ?? SAFARI;
  // One that names the engine but not Chrome, as jsdom does, is read as Safari.
  if (agent.engine === 'Blink' && agent.browser !== 'Safari') return CHROMIUM;
  if (agent.browser === 'Firefox') return FIREFOX;
  // WebKit elsewhere uses the libraries of its system.
  if (agent.browser === 'Safari') return agent.os === 'macOS' ? SAFARI : null;
  if (agent.engine === 'Trident' || agent.engine === 'EdgeHTML') return SCHANNEL;
  return null;
}
