// How a socket was closed, and what of that is said to the other side (RFC 6455 §7.4).

/** `code` 1005: closed without one. 1006: gone without a closing frame. Neither is ever sent. */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

export const NO_STATUS = 1005;
export const ABNORMAL = 1006;

/** Codes of the gateway's own. */
export const GOING_AWAY = 1001;
export const PROTOCOL_ERROR = 1002;
export const POLICY_VIOLATION = 1008;
export const TOO_LARGE = 1009;
export const INTERNAL_ERROR = 1011;
export const TRY_AGAIN_LATER = 1013;

/** What a closing frame says; a null code makes it an empty one. */
export interface ClosingFrame {
  readonly code: number | null;
  readonly reason: string;
}

/** Whether a peer may send it: those that RFC 6455 or IANA's registry defines, and those left to applications. */
export function isSendable(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/** True if a closing frame came: a peer that vanished, or whose frame was none, is no orderly end. */
export function isOrderly({ code }: Close): boolean {
  return code === NO_STATUS || isSendable(code);
}

/**
 * What the other side is told of it. A frame is passed on as it is. Of one that may not be sent it is told
 * that the protocol was broken; of a peer that vanished, `lost`.
 */
export function passedOn({ code, reason }: Close, lost: number): ClosingFrame {
  if (code === NO_STATUS) return { code: null, reason: "" };
  if (code === ABNORMAL) return { code: lost, reason: "" };
  return isSendable(code) ? { code, reason } : { code: PROTOCOL_ERROR, reason: "" };
}
