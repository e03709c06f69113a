/** Where a client may be sent after a challenge. */

const MAX_LENGTH = 2048;
/** Printable ASCII without the backslash, which browsers read as a slash. */
const SAFE = /^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/;

/**
 * `value` when it is an absolute path on this very origin, else `/`. Refuses `//host`, `/\host`,
 * control characters (browsers drop tabs and line feeds from addresses) and what is not ASCII.
 */
export function safeReturnPath(value: string): string {
  return value.length <= MAX_LENGTH && SAFE.test(value) ? value : '/';
}
