// The record of a command's intent, and what stands in every record of a request whoever decided it.

import type { ApprovalId } from "../../core/approval/approval.ts";
import { exchangeRecord } from "../../core/mask/mask_draft.ts";
import { explainDecision } from "../../core/policy/decision.ts";
import { verbClass } from "../../core/protocol/http/methods.ts";
import type { Classes, Fields, Masked } from "../../core/record/record.ts";
import type { Caller } from "../caller.ts";
import type { Asked, Call, Exchange } from "./exchange.ts";
import type { SentBody } from "./sent_body.ts";

/** Whose approval it uses. */
export interface ApprovalUse {
  readonly approval: ApprovalId;
  /** Under what was granted for a time. */
  readonly isGrant: boolean;
  /** The request for the approval was this command's own, and its record has the body already. */
  readonly isOwn: boolean;
}

/** `command.requested`. */
export function intentRecord(
  exchange: Exchange,
  caller: Caller,
  asked: Asked,
  sent: SentBody,
  use: ApprovalUse | null = null,
): Masked {
  const length = declaredLength(exchange.request);
  return exchangeRecord(
    {
      kind: "command.requested",
      command: exchange.command,
      part: 0,
      classes: {
        protocol: "http",
        verb: verbClass(asked.method) ?? "other",
        // Whoever reads it sees from this that there must have been an approval.
        effect: use === null ? "allow" : "needs_approval",
        policy: asked.decision.policy,
        rule: asked.decision.rule ?? "",
        ...(typeof length === "number" ? { req_size: length } : {}),
        ...(use?.isOwn === true ? {} : cutOf(sent)),
        ...(use === null ? {} : { approval: use.approval, ...(use.isGrant ? { grant: 1 } : {}) }),
      },
    },
    { ...asked.sent, payload: use?.isOwn === true ? null : (sent.whole?.payload ?? null) },
    fieldsOf(exchange, caller, asked),
    asked.recording.plan,
  );
}

/** Bytes of the request's body that its record leaves out. */
export function cutOf({ whole }: SentBody): Classes {
  return whole === null || whole.meter.cut === 0 ? {} : { req_cut: whole.meter.cut };
}

export function fieldsOf(exchange: Exchange, caller: Caller, { decision, fields }: Asked): Fields {
  return {
    ...fields,
    // A rule of the gateway's own stands in no file and has no line.
    ...((decision.line ?? 0) === 0 ? {} : { decision: explainDecision(decision) }),
    token: caller.tokenText,
    client: clientText(exchange),
  };
}

/** Content-Length; null if there is none, "unsafe" past what JavaScript counts exactly (2^53). */
export function declaredLength(request: Request): number | "unsafe" | null {
  const declared = request.headers.get("content-length");
  if (declared === null) return null;
  return /^\d{1,15}$/.test(declared) ? Number(declared) : "unsafe";
}

/** RFC 8785 text of where the call came from. The address is the platform's word, never a forwarded header's. */
function clientText({ address }: Call): string {
  return `{"address":${JSON.stringify(address)}}`;
}
