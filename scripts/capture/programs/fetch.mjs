// Gets a URL in Node: fetch.mjs fetch|https|http2 URL.
import { connect } from 'node:http2';
import { get } from 'node:https';

process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
process.removeAllListeners('warning');
const [how, url] = process.argv.slice(2);
if (how === 'fetch') await (await fetch(url)).text();
else if (how === 'https') get(url, (response) => response.resume());
else {
  const session = connect(url, { rejectUnauthorized: false });
  session
    .request({ ':path': '/' })
    .on('close', () => session.close())
    .resume();
}
