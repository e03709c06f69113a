/** The body of every answer that is an error. */
export interface Failure {
  readonly error: { readonly code: string; readonly message: string };
}

export function failure(code: string, message: string): Failure {
  return { error: { code, message } };
}
