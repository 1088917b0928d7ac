// Which statuses an upstream may answer with, and which of them carry no body.

/**
 * Whether a status can end an exchange. 1xx are interim (RFC 9110 §15.2) and end nothing: a 101 would
 * hand the connection over to a protocol nobody decided on. Anything outside three digits of the
 * classes is not HTTP, and the runtime could not send it on.
 */
export function isFinalStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 599;
}

/** Answers without a body (RFC 9110 §6.4.1, §9.3.2, §15.3.5, §15.3.6, §15.4.5), whatever their Content-Length says. */
export function isBodyless(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 205 || status === 304;
}
