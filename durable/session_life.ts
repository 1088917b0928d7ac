// How long things live in a session object: a session is idle 15 minutes or lasts at
// most 8 hours; an intent is open while its forwarder renews the lease.

/** A lease outlives two missed renewals: the forwarder renews every 10 s, so 3 × 10 s. */
export const LEASE_MS = 30_000;
export const RENEW_EVERY_MS = 10_000;
export const IDLE_MS = 15 * 60_000;
export const MAX_AGE_MS = 8 * 60 * 60_000;
/** A registry shard that could not be told of a closed session is told again after this. */
export const RESEND_MS = 60_000;
/** Alarms of one object are at least this far apart. */
export const ALARM_PAUSE_MS = 1_000;
/** Calls waiting for one flush. A flush takes a few milliseconds for hundreds of records; more than this means the object is behind. */
export const QUEUE_LIMIT = 1024;

/** With fewer other commands under way than this a call is made durable at once: their company would save less than waiting for it costs. */
export const FEW = 1;

/** How long a session is idle at most, and lasts at most, in milliseconds: as the policy had it when it was opened. */
export interface SessionTimes {
  readonly idleMs: number;
  readonly maxMs: number;
}

/** Where the policy says nothing, and for the gateway's own API. No session has more. */
export const LONGEST: SessionTimes = { idleMs: IDLE_MS, maxMs: MAX_AGE_MS };

/** `killed` comes from an admin, see session_kills.ts; the others from time. */
export type Ending = "idle" | "max" | "killed";

/** Why a session must take no further command, or null if it may. `busy` tells whether it has open intents. */
export function endingOf(
  session: SessionTimes & { readonly opened: number; readonly lastTime: number },
  busy: () => boolean,
  now: number,
): "idle" | "max" | null {
  if (now - session.opened >= session.maxMs) return "max";
  return now - session.lastTime >= session.idleMs && !busy() ? "idle" : null;
}

/** The earliest time at which a session without open intents ends. */
export function nextEnding(session: SessionTimes & { readonly opened: number; readonly lastTime: number }): number {
  return Math.min(session.opened + session.maxMs, session.lastTime + session.idleMs);
}
