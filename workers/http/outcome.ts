// The records with which a command ends, from what passed of its bodies.

import { exchangeRecord, ownRecord } from "../../core/mask/mask_draft.ts";
import type { Header } from "../../core/mask/mask_headers.ts";
import type { RecordedPayload } from "../../core/mask/payload_fields.ts";
import { canonicalText } from "../../core/record/canonical.ts";
import type { Classes, Masked } from "../../core/record/record.ts";
import type { Cleared } from "./exchange.ts";
import type { Forwarded } from "./forward.ts";
import { digestsText, type Meter } from "./meter.ts";

/** A command on its way to its end. */
export interface Ending {
  readonly cleared: Cleared;
  readonly forwarded: Forwarded;
  /** Of the answer's body; null if none of it was read. */
  readonly meter: Meter | null;
}

/** With `folded` the whole answer stands in this one record. */
export function completed(
  ending: Ending,
  status: number,
  folded: { readonly headers: readonly Header[]; readonly payload: RecordedPayload | null } | null,
): Masked {
  const classes = { transport: "ok", status, folded: folded === null ? 0 : 1 };
  return outcome(ending, "command.completed", classes, folded ?? {});
}

export function failed(ending: Ending, classes: Classes): Masked {
  return outcome(ending, "command.failed", classes);
}

export function cancelled(ending: Ending): Masked {
  return outcome(ending, "command.cancelled", { reason: ending.forwarded.cut ?? "client_gone" });
}

/** Its outcome could not be recorded when it should have been, so that the answer was withheld or cut. */
export function withheld(ending: Ending, status: number): Masked {
  const transport = ending.meter === null ? "unknown" : "cut";
  return failed(ending, { transport, status, reason: "answer_not_recordable" });
}

export function gap({ exchange }: Cleared): Masked {
  const classes = { reason: "outcome_not_recorded" };
  return ownRecord({ kind: "gap", command: exchange.command, part: 0, classes, fields: {} });
}

export function started({ exchange, asked }: Cleared, status: number, headers: readonly Header[]): Masked {
  const classes = { status, ms: Date.now() - exchange.started };
  const draft = { kind: "response.started", command: exchange.command, part: 0, classes } as const;
  return exchangeRecord(draft, { headers }, {}, asked.recording.plan);
}

function outcome(
  { cleared, forwarded, meter }: Ending,
  kind: Masked["kind"],
  classes: Classes,
  sent: { readonly headers?: readonly Header[]; readonly payload?: RecordedPayload | null } = {},
): Masked {
  const { exchange } = cleared;
  const by = kind === "command.cancelled" ? forwarded.cutBy : null;
  const told = meter === null ? null : toldToCaller(cleared, forwarded);
  const counts = {
    tool: "none",
    req_bytes: forwarded.sent?.bytes ?? 0,
    resp_bytes: meter?.bytes ?? 0,
    ms: Date.now() - exchange.started,
    ...cutOf("req_cut", forwarded.sent),
    ...cutOf("resp_cut", meter),
    ...(told === null ? {} : { masked: told.spans }),
  };
  const own = {
    digests: digestsText(forwarded.sent, meter),
    ...(by === null ? {} : { by }),
    ...(told === null ? {} : { released: told.text }),
  };
  const draft = { kind, command: exchange.command, part: 0, classes: { ...classes, ...counts } };
  return exchangeRecord(draft, sent, own, cleared.asked.recording.plan);
}

/** What the caller got, where it is not what the upstream sent; null where it is. */
function toldToCaller(
  { asked }: Cleared,
  { callerMask }: Forwarded,
): { readonly spans: number; readonly text: string } | null {
  if (callerMask === null) return null;
  const { size, digest, complete } = callerMask.released;
  // Keyed, since nothing says that all secrets were to be masked towards this caller.
  const text = canonicalText({ complete, keyed: asked.recording.commitment(digest), size });
  return { spans: callerMask.spans, text };
}

function cutOf(name: "req_cut" | "resp_cut", meter: Meter | null): Classes {
  return meter === null || meter.cut === 0 ? {} : { [name]: meter.cut };
}
