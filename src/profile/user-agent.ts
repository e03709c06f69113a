/** What a User-Agent field claims about the client. */
import { getParser } from 'bowser';
import { Generations } from './generations.ts';

/** Null: the text does not say. */
export interface UserAgent {
  /** Name of the first product (RFC 9110 section 10.1.5), in lower case: `mozilla`, `curl`, `python-requests`. */
  readonly product: string | null;
  /** `Chrome`, `Firefox`, `Safari`, `Microsoft Edge`; of a crawler its name. */
  readonly browser: string | null;
  readonly version: string | null;
  /** `Windows`, `macOS`, `iOS`, `Android`, `Linux`, `Chrome OS`… */
  readonly os: string | null;
  /** `Blink`, `Gecko`, `WebKit`, `Trident`. */
  readonly engine: string | null;
  /** It calls itself a crawler. */
  readonly bot: boolean;
}

/** No more of a User-Agent is looked at: bounds the work that a client can cause. Those of browsers are half as long. */
export const MAX_USER_AGENT: number = 512;
/** Different texts that are remembered, by thread: twice as many at most. */
const KNOWN = 1_024;
const known = new Generations<string, UserAgent>(KNOWN);

export function parseUserAgent(field: string): UserAgent {
  const text = field.length > MAX_USER_AGENT ? field.slice(0, MAX_USER_AGENT) : field;
  const before = known.get(text);
  if (before !== undefined) return before;
  const agent = read(text);
  known.set(text, agent);
  return agent;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/;

function read(text: string): UserAgent {
  const product = TOKEN.exec(text)?.[0].toLowerCase() ?? null;
  // The library throws for an empty text.
  if (text.trim() === '') {
    return { product: null, browser: null, version: null, os: null, engine: null, bot: false };
  }
  const { browser, os, engine, platform } = getParser(text).getResult();
  return {
    product,
    browser: browser.name || null,
    version: browser.version || null,
    os: os.name || null,
    engine: engine.name || null,
    bot: platform.type === 'bot',
  };
}
