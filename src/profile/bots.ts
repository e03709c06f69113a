/**
 * Crawlers whose operators say how to know them: the word in their User-Agent, the domains that the names of their
 * addresses are in, and where their ranges of addresses are published.
 */

export interface Bot {
  readonly name: string;
  /** In its User-Agent, lower case. */
  readonly token: string;
  /** Domains of the names that its addresses have; none: its addresses have no names that tell. */
  readonly domains: readonly string[];
  /** Address of its published ranges, JSON as `{"prefixes": [{"ipv4Prefix": …}, …]}`; null: none are published. */
  readonly ranges: string | null;
  /** The page that says so. */
  readonly source: string;
}

/** Google's crawlers by the three kinds that its pages tell apart, each with its own names and ranges. */
const GOOGLE = 'https://developers.google.com/crawling/docs/crawlers-fetchers';
const GOOGLE_RANGES = 'https://developers.google.com/static/crawling/ipranges';

const commonGoogle = (name: string, token: string): Bot => ({
  name,
  token,
  domains: ['googlebot.com'],
  ranges: `${GOOGLE_RANGES}/common-crawlers.json`,
  source: `${GOOGLE}/google-common-crawlers`,
});

const specialGoogle = (name: string, token: string): Bot => ({
  name,
  token,
  // why: its names are `rate-limited-proxy-…` there; those that end users can choose are in other domains.
  domains: ['google.com'],
  ranges: `${GOOGLE_RANGES}/special-crawlers.json`,
  source: `${GOOGLE}/google-special-case-crawlers`,
});

const bing = (name: string, token: string): Bot => ({
  name,
  token,
  domains: ['search.msn.com'],
  ranges: 'https://www.bing.com/toolbox/bingbot.json',
  source: 'https://www.bing.com/webmasters/help/how-to-verify-bingbot-3905dc26',
});

const yandex = (name: string, token: string): Bot => ({
  name,
  token,
  domains: ['yandex.ru', 'yandex.net', 'yandex.com'],
  ranges: null,
  source: 'https://yandex.com/support/webmaster/robot-workings/check-yandex-robots.html',
});

const openai = (name: string, token: string, file: string): Bot => ({
  name,
  token,
  domains: [],
  ranges: `https://openai.com/${file}.json`,
  source: 'https://platform.openai.com/docs/bots',
});

const perplexity = (name: string, token: string, file: string): Bot => ({
  name,
  token,
  domains: [],
  ranges: `https://www.perplexity.ai/${file}.json`,
  source: 'https://docs.perplexity.ai/docs/resources/perplexity-crawlers',
});

/** More special tokens come before those they hold. */
export const BOTS: readonly Bot[] = [
  specialGoogle('AdsBot-Google', 'adsbot-google'),
  specialGoogle('APIs-Google', 'apis-google'),
  specialGoogle('Mediapartners-Google', 'mediapartners-google'),
  specialGoogle('Google-Safety', 'google-safety'),
  commonGoogle('Google-InspectionTool', 'google-inspectiontool'),
  commonGoogle('Google-CloudVertexBot', 'google-cloudvertexbot'),
  commonGoogle('GoogleOther', 'googleother'),
  commonGoogle('Storebot-Google', 'storebot-google'),
  commonGoogle('Googlebot', 'googlebot'),
  bing('Bingbot', 'bingbot'),
  bing('AdIdxBot', 'adidxbot'),
  bing('BingPreview', 'bingpreview'),
  bing('MicrosoftPreview', 'microsoftpreview'),
  {
    name: 'Applebot',
    token: 'applebot',
    domains: ['applebot.apple.com'],
    ranges: 'https://search.developer.apple.com/applebot.json',
    source: 'https://support.apple.com/en-us/119829',
  },
  yandex('YandexBot', 'yandexbot'),
  yandex('YandexImages', 'yandeximages'),
  yandex('YandexRenderResourcesBot', 'yandexrenderresourcesbot'),
  {
    name: 'Baiduspider',
    token: 'baiduspider',
    domains: ['crawl.baidu.com', 'crawl.baidu.jp'],
    ranges: null,
    source: 'https://help.baidu.com/question?prod_id=99&class=476&id=2996',
  },
  {
    name: 'Yahoo! Slurp',
    token: 'yahoo! slurp',
    domains: ['crawl.yahoo.net'],
    ranges: null,
    source:
      'http://www.ysearchblog.com/2007/06/05/yahoo-search-crawler-slurp-has-a-new-address-and-signature-card/',
  },
  {
    name: 'SeznamBot',
    token: 'seznambot',
    domains: ['seznam.cz'],
    ranges: null,
    source: 'https://napoveda.seznam.cz/en/seznambot-crawler',
  },
  {
    name: 'Amazonbot',
    token: 'amazonbot',
    domains: ['crawl.amazonbot.amazon'],
    ranges: null,
    source: 'https://developer.amazon.com/support/amazonbot',
  },
  {
    name: 'CCBot',
    token: 'ccbot',
    domains: ['crawl.commoncrawl.org'],
    ranges: 'https://index.commoncrawl.org/ccbot.json',
    source: 'https://commoncrawl.org/ccbot',
  },
  {
    name: 'Pinterestbot',
    token: 'pinterestbot',
    domains: ['pinterest.com'],
    ranges: null,
    source: 'https://help.pinterest.com/en/business/article/pinterest-crawler',
  },
  {
    name: 'MojeekBot',
    token: 'mojeekbot',
    domains: ['mojeek.com'],
    ranges: null,
    source: 'https://www.mojeek.com/bot.html',
  },
  {
    name: 'DuckDuckBot',
    token: 'duckduckbot',
    domains: [],
    ranges: 'https://duckduckgo.com/duckduckbot.json',
    source: 'https://duckduckgo.com/duckduckgo-help-pages/results/duckduckbot',
  },
  {
    name: 'DuckAssistBot',
    token: 'duckassistbot',
    domains: [],
    ranges: 'https://duckduckgo.com/duckassistbot.json',
    source: 'https://duckduckgo.com/duckduckgo-help-pages/results/duckassistbot',
  },
  openai('GPTBot', 'gptbot', 'gptbot'),
  openai('OAI-SearchBot', 'oai-searchbot', 'searchbot'),
  openai('ChatGPT-User', 'chatgpt-user', 'chatgpt-user'),
  perplexity('PerplexityBot', 'perplexitybot', 'perplexitybot'),
  perplexity('Perplexity-User', 'perplexity-user', 'perplexity-user'),
];

/** The crawler that a User-Agent says it is; null: none of these. */
export function claimedBot(userAgent: string, bots: readonly Bot[] = BOTS): Bot | null {
  const text = userAgent.toLowerCase();
  return bots.find(({ token }) => text.includes(token)) ?? null;
}

/** Is a name in one of the domains of a crawler? */
export function isNameOf({ domains }: Bot, name: string): boolean {
  const host = name.toLowerCase().replace(/\.$/, '');
  return domains.some((domain) => host.endsWith(`.${domain}`));
}
