// A request's body that waits for an approval: read whole, masked, and made into records before anybody
// is asked. What was shown to the deciders is what is forwarded, because both are these bytes.

import { createHash } from "node:crypto";
import type { BodyFacts } from "../../../core/approval/digest.ts";
import type { Digest } from "../../../core/ids.ts";
import type { RecordedPayload } from "../../../core/mask/payload_fields.ts";
import type { Masked } from "../../../core/record/record.ts";
import { ok, refuse, type Result } from "../../../core/result.ts";
import type { Caller } from "../../caller.ts";
import type { ProblemReason } from "../../problem.ts";
import { BodyRecord } from "../body_record.ts";
import type { Asked, Exchange } from "../exchange.ts";
import { knownAfterBody } from "../meanwhile.ts";
import { pump } from "../pump.ts";
import { BODY_MS, readBody } from "../read_body.ts";
import type { Recording } from "../recording.ts";
import { type SentBody, statedBy, UNREAD } from "../sent_body.ts";
import { recordWhole } from "../whole_body.ts";

export interface HeldBody {
  /** To be forwarded; records of it are not made again. */
  readonly sent: SentBody;
  /** What the request for approval has of it; null where that is nothing, or `chunks` have it. */
  readonly payload: RecordedPayload | null;
  /** `stream.chunk` records of one that is too large for one record. */
  readonly chunks: readonly Masked[];
  /** Of its bytes as they came. */
  readonly content: BodyFacts;
}

/** The reason if the command is to be refused; nothing is recorded then. */
export async function holdBody(
  exchange: Exchange,
  caller: Caller,
  { connection, recording, body }: Asked,
  limit: number,
): Promise<Result<HeldBody, { reason: ProblemReason }>> {
  const { request } = exchange;
  if (request.body === null) return ok(holding(UNREAD, null, [], new Uint8Array(0)));
  let bytes = body ?? null;
  if (bytes === null) {
    const read = await readBody(request, limit, BODY_MS);
    if (read.kind === "late") return refuse({ reason: "body_late" });
    if (read.kind === "too_large") return refuse({ reason: "body_too_large_to_wait" });
    if (read.kind === "cut") return refuse({ reason: "request_cut" });
    bytes = read.bytes;
    const known = await knownAfterBody(exchange, caller, connection);
    if (!known.ok) return known;
  }
  if (bytes.length > limit) return refuse({ reason: "body_too_large_to_wait" });
  const whole = recordWhole(bytes, recording, statedBy(request.headers));
  switch (whole.kind) {
    case "mask_failed":
      return refuse({ reason: "mask_failed" });
    case "unreadable":
      return refuse({ reason: "request_unreadable" });
    case "recorded":
      return ok(holding({ bytes, whole }, whole.payload, [], bytes));
    case "in_chunks":
      return inChunks(exchange, bytes, recording);
  }
}

/** By the pump that records what passes, into a list in place of the session object. */
async function inChunks(
  { request, command }: Exchange,
  bytes: Uint8Array,
  recording: Recording,
): Promise<Result<HeldBody, { reason: ProblemReason }>> {
  const chunks: Masked[] = [];
  const body = new BodyRecord(command, "request", recording, statedBy(request.headers));
  const source = new Response(bytes).body;
  if (source === null) throw new Error("a body in chunks has bytes");
  const nowhere = new WritableStream<Uint8Array>();
  const append = (records: readonly Masked[]): Promise<"recorded"> => {
    chunks.push(...records);
    return Promise.resolve("recorded");
  };
  const end = await pump(source, nowhere, body, { length: bytes.length, append });
  switch (end) {
    case "done": {
      const whole = { kind: "recorded", payload: null, meter: body.meter, release: bytes } as const;
      return ok(holding({ bytes, whole }, null, chunks, bytes));
    }
    case "unreadable":
      return refuse({ reason: "request_unreadable" });
    case "mask_failed":
      return refuse({ reason: "mask_failed" });
    case "held_back":
    case "storage_full":
    case "source_cut":
    case "sink_closed":
    case "over":
      return refuse({ reason: "not_recordable" });
  }
}

function holding(
  sent: SentBody,
  payload: RecordedPayload | null,
  chunks: readonly Masked[],
  bytes: Uint8Array,
): HeldBody {
  const sha256 = createHash("sha256").update(bytes).digest("hex") as Digest;
  return { sent, payload, chunks, content: { sha256, size: bytes.length } };
}
