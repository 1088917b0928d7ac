// What the index holds of a command, and what may be asked of it. The index finds things and proves
// nothing: it can be thrown away and built again from the session objects' records.

import type { CommandId, ConnectionName, SessionId } from "../ids.ts";

export const COMMAND_OUTCOMES = [
  "open",
  "waiting",
  "approved",
  "completed",
  "delivered",
  "failed",
  "cancelled",
  "denied",
  "expired",
  "unknown",
] as const;
/**
 * `waiting`: for people to decide. `approved`: they have, and it has not gone on itself; another call may have used
 * what they approved. `expired`: nobody decided, or used it, in time. `delivered`:
 * a message of a socket, which nothing answers, and of which nothing came later that says otherwise. `unknown`: whoever
 * forwarded it went away, and nothing came later that says how it ended.
 */
export type CommandOutcome = (typeof COMMAND_OUTCOMES)[number];

/** One command. Texts are as recorded, so masked, and cut at the limits of command_rows.ts; whatever a caller wrote in them is data. */
export interface CommandRow {
  readonly id: CommandId;
  readonly sid: SessionId;
  /** Place in its session of the record that began it. */
  readonly seq: number;
  /** That record's time, milliseconds since 1970. */
  readonly time: number;
  readonly issuer: string;
  readonly subject: string;
  /** Subject of the actor that called, or null if the person did. */
  readonly actor: string | null;
  readonly connection: ConnectionName;
  readonly protocol: string;
  readonly method: string;
  readonly path: string;
  readonly query: string | null;
  readonly rule: string | null;
  /** Hash of the policy that decided. */
  readonly policy: string | null;
  readonly effect: string | null;
  readonly outcome: CommandOutcome;
  /** Why it failed, was cancelled or denied. */
  readonly reason: string | null;
  /** What the protocol answered, once it did. */
  readonly status: number | null;
  readonly ms: number | null;
  readonly req_bytes: number | null;
  readonly resp_bytes: number | null;
  /** Time of the outcome's record; null while the command is open. */
  readonly ended: number | null;
}

/** Every condition given must hold; texts are compared whole. */
export interface CommandQuery {
  /** Only this person's own commands; null for everybody's. */
  readonly owner: { readonly issuer: string; readonly subject: string } | null;
  readonly actor?: string | undefined;
  readonly subject?: string | undefined;
  readonly connection?: string | undefined;
  readonly outcome?: CommandOutcome | undefined;
  readonly method?: string | undefined;
  /** A route pattern as in the policy; one that is none finds nothing, so check with `parseRoute` first. */
  readonly route?: string | undefined;
  /** Milliseconds since 1970, both included. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly status?: number | undefined;
  /** The cursor: `next` of the page before. */
  readonly before: CommandId | null;
  readonly limit: number;
}

/**
 * Newest first. A search looks at a bounded number of rows, so a page may have fewer items than asked
 * for, even none, and still have a `next`: null alone says that there is nothing more.
 */
export interface CommandPage {
  readonly items: readonly CommandRow[];
  readonly next: CommandId | null;
}
