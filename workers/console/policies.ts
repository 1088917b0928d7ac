// The policy's texts, as they were applied.

import { parseDigest } from "../../core/ids.ts";
import { controlOf } from "../control_client.ts";
import { problem } from "../problem.ts";
import { tagged } from "./answers.ts";
import { type Route, route } from "./route.ts";

export const YAML = "application/yaml";

const readVersion = route({
  id: "policy-text",
  method: "GET",
  path: "/api/v1/policies/{hash}",
  who: ["admin", "auditor"],
  summary: "Read a policy's text",
  description: "Any that was in force once, byte for byte; decisions name the hash of theirs.",
  refusals: ["not_found"],
  answers: {
    200: { description: "The text", content: { [YAML]: null }, headers: ["etag"] },
    304: { description: "It is the one that the caller has" },
  },
  answer: async ({ path }, { exchange }) => {
    const { gateway, request } = exchange;
    const hash = parseDigest(path.get("hash") ?? "");
    if (hash === null) return problem("not_found", null);
    const text = await controlOf(gateway.env).policyText(hash);
    if (text === null) return problem("not_found", null);
    return tagged(request, text, YAML, `"${hash}"`, { "cache-control": "private, max-age=31536000, immutable" });
  },
});

export const POLICY_ROUTES: readonly Route[] = [readVersion];
