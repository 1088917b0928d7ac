// The whole of a body that waits, masked as it is recorded, as a file.

import { findApproval } from "../../approvals/find.ts";
import { written } from "../../console/written.ts";
import { refusalOf } from "../answers.tsx";
import { type PageRoute, pageRoute } from "../page_route.ts";

/** Bytes that are asked for at once. */
const PIECE = 1024 * 1024;

export const wholeBody: PageRoute = pageRoute({
  id: "approval-body",
  method: "GET",
  path: "/approvals/{id}/body",
  who: "anyone",
  answer: async (call, { exchange, caller }, signal) => {
    const found = await findApproval(exchange.gateway.env, caller, exchange.policy, call.path.get("id") ?? "");
    if (found === null) return refusalOf(call, { reason: "not_found" });
    const { session, sid, approval } = found;
    const first = await session.payloadOf(sid, approval.id, "request", 0, PIECE);
    if (first === null || first.size === 0) return refusalOf(call, { reason: "payload_none" });
    const headers = {
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename="${approval.id}-request"`,
    };
    return written(exchange, signal, { headers, length: first.size }, async (write) => {
      await write(first.bytes);
      for (let at = first.bytes.byteLength; at < first.size;) {
        const page = await session.payloadOf(sid, approval.id, "request", at, PIECE);
        if (page === null || page.bytes.byteLength === 0) throw new Error("a body that was there is gone");
        await write(page.bytes.subarray(0, first.size - at));
        at += page.bytes.byteLength;
      }
    });
  },
});
