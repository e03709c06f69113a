/**
 * Crawlers whose operators say how to know them: the word in their User-Agent, and the domains that the names of their
 * addresses are in. What operators publish as ranges of addresses is read as feeds; docs/bots.md names them.
 */

export interface Bot {
  readonly name: string;
  /** In its User-Agent, lower case. */
  readonly token: string;
  /** Domains of the names that its addresses have. */
  readonly domains: readonly string[];
}

/** Sources: the operators' own pages, listed in docs/bots.md. More special tokens come before those they hold. */
export const BOTS: readonly Bot[] = [
  { name: 'AdsBot-Google', token: 'adsbot-google', domains: ['google.com'] },
  { name: 'Google-InspectionTool', token: 'google-inspectiontool', domains: ['googlebot.com', 'google.com'] },
  { name: 'GoogleOther', token: 'googleother', domains: ['googlebot.com', 'google.com'] },
  { name: 'Storebot-Google', token: 'storebot-google', domains: ['googlebot.com', 'google.com'] },
  { name: 'Mediapartners-Google', token: 'mediapartners-google', domains: ['google.com'] },
  { name: 'Googlebot', token: 'googlebot', domains: ['googlebot.com', 'google.com'] },
  { name: 'Bingbot', token: 'bingbot', domains: ['search.msn.com'] },
  { name: 'AdIdxBot', token: 'adidxbot', domains: ['search.msn.com'] },
  { name: 'Applebot', token: 'applebot', domains: ['applebot.apple.com'] },
  { name: 'Yandex', token: 'yandexbot', domains: ['yandex.ru', 'yandex.net', 'yandex.com'] },
  { name: 'YandexImages', token: 'yandeximages', domains: ['yandex.ru', 'yandex.net', 'yandex.com'] },
  { name: 'Baiduspider', token: 'baiduspider', domains: ['crawl.baidu.com', 'crawl.baidu.jp'] },
  { name: 'Yahoo! Slurp', token: 'yahoo! slurp', domains: ['crawl.yahoo.net'] },
  { name: 'SeznamBot', token: 'seznambot', domains: ['seznam.cz'] },
  { name: 'PetalBot', token: 'petalbot', domains: ['petalsearch.com'] },
  { name: 'Amazonbot', token: 'amazonbot', domains: ['crawl.amazonbot.amazon'] },
  { name: 'CCBot', token: 'ccbot', domains: ['crawl.commoncrawl.org'] },
  { name: 'Pinterestbot', token: 'pinterestbot', domains: ['pinterest.com'] },
  { name: 'MojeekBot', token: 'mojeekbot', domains: ['mojeek.com'] },
];

/** The crawler that a User-Agent says it is; null: none of these. */
export function claimedBot(userAgent: string): Bot | null {
  const text = userAgent.toLowerCase();
  return BOTS.find(({ token }) => text.includes(token)) ?? null;
}

/** Is a name in one of the domains of a crawler? */
export function isNameOf({ domains }: Bot, name: string): boolean {
  const host = name.toLowerCase().replace(/\.$/, '');
  return domains.some((domain) => host.endsWith(`.${domain}`));
}
