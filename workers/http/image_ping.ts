// `/v2/`: how a client of image registries finds out that there is one, and how to log in (OCI
// distribution specification, "Determining Support"). It names no connection, so it is a command on
// `console`: whoever has a valid identity gets an empty answer.

import { deniedByDefault } from "../../core/policy/decision.ts";
import { CONSOLE } from "../../core/policy/policy.ts";
import { rawTarget } from "../../core/protocol/http/target.ts";
import type { Caller } from "../caller.ts";
import { json } from "../console/answers.ts";
import type { Asked, Exchange } from "./exchange.ts";
import { metadataOnly } from "./recording.ts";

export function resolveImagePing(_: Caller, { request, gateway, policy }: Exchange): Asked {
  const { method, url } = request;
  const target = { method, ...rawTarget(url) };
  const common = {
    connection: CONSOLE,
    method,
    sent: { target, headers: [...request.headers] },
    recording: metadataOnly(gateway.pseudonyms),
    fields: {},
  };
  if (method !== "GET" && method !== "HEAD")
    return {
      ...common,
      decision: deniedByDefault(policy.hash, "no_rule"),
      refusal: "method_not_allowed",
      refusalMore: { headers: [["allow", "GET, HEAD"]] },
      answerer: null,
    };
  return {
    ...common,
    decision: { effect: "allow", policy: policy.hash, rule: "images-ping", line: 0, obligations: [] },
    refusal: null,
    answerer: {
      kind: "local",
      answer: () => Promise.resolve(json({}, 200, { "docker-distribution-api-version": "registry/2.0" })),
    },
  };
}
