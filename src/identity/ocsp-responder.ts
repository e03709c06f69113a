/** One question to an OCSP responder over HTTP (RFC 6960 appendix A). */
import { request } from 'undici';
import { ocspRequest } from './ocsp.ts';

/** A longer response is given up. */
export const MAX_RESPONSE_BYTES: number = 64 * 1024;

/**
 * The DER of a responder's response about a certificate, which nobody has looked at yet.
 * @param certId see `certIdOf`. @param timeoutMs For the whole exchange.
 * @throws Error whose message says why there is none.
 */
export async function askResponder(url: string, certId: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
  try {
    const { statusCode, body } = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' },
      body: Buffer.from(ocspRequest(certId)),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const bytes = await contentOf(body);
    if (statusCode !== 200) throw new Error(`the responder answers with HTTP status ${statusCode}`);
    return bytes;
  } catch (error) {
    const { message, code, name } = error as NodeJS.ErrnoException;
    throw new Error(name === 'TimeoutError' ? 'the responder gave no answer in time' : (code ?? message));
  }
}

async function contentOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_RESPONSE_BYTES)
      throw new Error(`the response is longer than ${MAX_RESPONSE_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
