/** What a policy allows of a hello can be judged only once the hello has named its policy. */
import type { Policy } from '../pdl/ir.ts';

/** Which limit of the policy a hello is over, and the sentence that says so. */
export interface HelloExcess {
  readonly limit: 'hello_too_large' | 'hello_timeout';
  readonly message: string;
}

/** `bytes` of the handshake message; `completeInMs` from accept to its last byte. Null: within the limits. */
export function helloExcess(
  { maxHelloBytes, helloTimeoutMs }: Policy['handshake'],
  bytes: number,
  completeInMs: number,
): HelloExcess | null {
  if (bytes > maxHelloBytes) {
    return {
      limit: 'hello_too_large',
      message: `the hello has ${bytes} bytes, its policy allows ${maxHelloBytes}`,
    };
  }
  if (completeInMs <= helloTimeoutMs) return null;
  return {
    limit: 'hello_timeout',
    message: `the hello was complete later than the ${helloTimeoutMs} ms of its policy`,
  };
}
