// The records of a command that needs an approval, made by the Worker: what asks for it, and the intent
// that uses it.

import type { Approval } from "../../../core/approval/approval.ts";
import { exchangeRecord } from "../../../core/mask/mask_draft.ts";
import { verbClass } from "../../../core/protocol/http/methods.ts";
import { type Canonical, canonicalText } from "../../../core/record/canonical.ts";
import type { Masked } from "../../../core/record/record.ts";
import type { Caller } from "../../caller.ts";
import type { Asked, Exchange } from "../exchange.ts";
import { fieldsOf } from "../intent.ts";
import type { HeldBody } from "./held_body.ts";

/** `approval.requested`. `reason` is the requester's own text, masked. */
export function askRecord(
  exchange: Exchange,
  caller: Caller,
  asked: Asked,
  approval: Approval,
  { payload, sent }: HeldBody,
  reason: string | null,
): Masked {
  const { terms, rule, policy, expires, digest } = approval;
  const { plan } = asked.recording;
  const cut = sent.whole?.meter.cut ?? 0;
  return exchangeRecord(
    {
      kind: "approval.requested",
      command: exchange.command,
      part: 0,
      classes: {
        protocol: "http",
        verb: verbClass(asked.method) ?? "other",
        policy,
        rule,
        expires,
        if_gone: terms.ifGone,
        ...(cut === 0 ? {} : { req_cut: cut }),
      },
    },
    { ...asked.sent, payload },
    {
      ...fieldsOf(exchange, caller, asked),
      approval: canonicalText(JSON.parse(JSON.stringify(terms)) as Canonical),
      command_digest: digest,
      ...(reason === null ? {} : { reason }),
    },
    plan,
  );
}
