// What a notice says: that something was asked or came about, and where to look. No payload: a link, and the
// title that lists have, which is masked.

import type { NoticeEvent } from "../../durable/approval_rpc.ts";
import type { Sending } from "../../durable/notice_rpc.ts";
import { placeOfApproval } from "../approvals/place.ts";
import type { Config } from "../config.ts";
import { plainForChat } from "./plain_for_chat.ts";

/** As Standard Webhooks has it: `type`, `timestamp`, `data`. */
export interface NoticeMessage {
  readonly type: `approval.${NoticeEvent}`;
  /** When it came about; RFC 3339. */
  readonly timestamp: string;
  readonly data: {
    readonly approval: string;
    readonly url: string;
    readonly title: string;
    readonly connection: string;
    readonly rule: string;
    readonly requester: string;
    readonly event: NoticeEvent;
    /** Until when it waits for people; RFC 3339. */
    readonly expires: string;
  };
}

/** The same at each try, however late. */
export function noticeOf({ event, time, entry }: Sending, config: Config): NoticeMessage {
  const { id, title, connection, rule, requester, expires } = entry;
  return {
    type: `approval.${event}`,
    timestamp: new Date(time).toISOString(),
    data: {
      ...{ approval: id, url: placeOfApproval(id, config, config.origin), title, connection, rule },
      requester: requester.name ?? requester.subject,
      event,
      expires: new Date(expires).toISOString(),
    },
  };
}

const WORDS: Readonly<Record<NoticeEvent, string>> = {
  requested: "Waits for an approval",
  break_glass: "Went on WITHOUT an approval, a review is owed",
  approved: "Approved",
  denied: "Denied",
  expired: "Nobody answered in time",
  // By whoever asked, or because their session, their client or the policy is not what it was.
  cancelled: "Not asked for any more",
};

/** For a chat: one line of plain words and one link, whatever whoever asks has put into it. */
export function chatText({ data }: NoticeMessage): string {
  const { event, title, connection, rule, requester, expires, url } = data;
  const until = event === "requested" ? `, until ${expires.slice(11, 16)} UTC` : "";
  const [what, where, by, which] = [title, connection, requester, rule].map(plainForChat);
  return `${WORDS[event]}: ${what} on ${where}, by ${by} (rule ${which}${until}) <${url}>`;
}
