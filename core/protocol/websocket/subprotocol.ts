// Subprotocols (RFC 6455 §1.9, §4.1): the client offers, the server chooses one of them or none. A
// server that answers with another one is not spoken with: clients that are strict would not, either.

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/;
const MOST = 64;

/** What `Sec-WebSocket-Protocol` offers; null if it is no list of different names. */
export function offeredSubprotocols(header: string | null): readonly string[] | null {
  if (header === null) return [];
  const names = header.split(",").map((name) => name.trim());
  const isList =
    names.length <= MOST && names.every((name) => TOKEN.test(name)) && new Set(names).size === names.length;
  return isList ? names : null;
}

/** Whether a server may answer so; `chosen` is null where it chose none. */
export function isChoiceOf(offered: readonly string[], chosen: string | null): boolean {
  return chosen === null || offered.includes(chosen);
}
