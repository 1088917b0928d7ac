// Notices of approvals: what is sent, what became of sending it, and what a Worker may ask of a registry
// shard about those that are not sent yet, or were given up.

import type { ApprovalEntry, Notice, NoticeEvent } from "./approval_rpc.ts";

/** `<approval>_<event>_<name of the target>`: the same however often it is sent, so that whoever gets it twice can tell. */
export type NoticeId = string;

export interface Sending {
  readonly id: NoticeId;
  readonly event: NoticeEvent;
  /** When that was; milliseconds since 1970. */
  readonly time: number;
  readonly target: Notice;
  readonly entry: ApprovalEntry;
}

/** Codes: none holds what a receiver said, nor an address. */
export type DeliveryFailure =
  /** `NOTIFY_…` is not set, or is no signing secret. */
  | "secret_missing"
  | "secret_invalid"
  /** The address is the gateway's own, or not over https, or none. */
  | "address_refused"
  | "unreachable"
  | "timeout"
  | `status_${number}`;

export type Delivery =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly failure: DeliveryFailure;
      /** Trying again would not help: it is given up. */
      readonly isFinal: boolean;
      /** What the receiver asked for; null if nothing. */
      readonly retryAfterMs: number | null;
    };

/** What the deployed shard has of the Worker's side. Never rejects; ends within a bound of its own. */
export interface NoticePorts {
  deliver(sending: Sending): Promise<Delivery>;
}

export interface NoticeEntry {
  readonly id: NoticeId;
  readonly approval: ApprovalEntry["id"];
  readonly connection: ApprovalEntry["connection"];
  readonly title: string;
  readonly event: NoticeEvent;
  readonly time: number;
  /** Its name in the policy, and its format. */
  readonly to: string;
  readonly format: Notice["format"];
  readonly tries: number;
  /** When it is sent next; null if it was given up. */
  readonly due: number | null;
  /** Of the last try; null before the first. */
  readonly tried: number | null;
  readonly failure: string | null;
}

/** Newest approval first; `before` is the id of the last one of the page before. */
export interface NoticeQuery {
  readonly state: "waiting" | "dead";
  readonly before: NoticeId | null;
  readonly limit: number;
}

export interface NoticeRegistryRpc {
  listNotices(query: NoticeQuery): Promise<NoticeEntry[]>;
  findNotice(id: NoticeId): Promise<NoticeEntry | null>;
  /** Sends it as if for the first time, to `target`. Null if there is none: it was sent meanwhile. */
  retryNotice(id: NoticeId, target: Notice): Promise<NoticeEntry | null>;
}
