// Who am I, and what can I reach.

import * as v from "valibot";
import { reachable } from "../../core/policy/reachable.ts";
import { json, taggedJson } from "./answers.ts";
import { type Route, route } from "./route.ts";
import { Principal } from "./schemas.ts";

const whoami = route({
  id: "whoami",
  method: "GET",
  path: "/api/v1/whoami",
  who: "anyone",
  summary: "Say who the caller is",
  description: "What the gateway believes of the caller, by their token and the policy.",
  answers: {
    200: {
      description: "The caller",
      content: {
        "application/json": v.object({
          principal: Principal,
          roles: v.array(v.string()),
          expires: v.pipe(v.number(), v.description("Seconds since 1970 at which the token ends")),
        }),
      },
    },
  },
  answer: (_call, { caller }) => {
    const { principal, token } = caller.authenticated;
    return json({ principal, roles: [...caller.roles].sort(), expires: token.expires });
  },
});

const ConnectionItem = v.object({
  name: v.string(),
  protocol: v.string(),
  region: v.string(),
  labels: v.array(v.string()),
  url: v.pipe(v.string(), v.description("Where it is called")),
  upstream: v.optional(v.pipe(v.string(), v.description("Told to admins"))),
});

const connections = route({
  id: "connections",
  method: "GET",
  path: "/api/v1/connections",
  who: "anyone",
  summary: "List connections",
  description:
    "Those that a rule of the policy could let the caller use; all of them for auditors and admins. What a single call is allowed is decided when it is made.",
  answers: {
    200: {
      description: "The connections",
      content: { "application/json": v.object({ items: v.array(ConnectionItem), next: v.null() }) },
      headers: ["etag"],
    },
    304: { description: "They are as the caller knows them" },
  },
  answer: (_call, { exchange, caller }) => {
    const { policy, gateway, request } = exchange;
    const { roles } = caller;
    const isAdmin = roles.has("admin");
    const seen =
      isAdmin || roles.has("auditor")
        ? null
        : new Set<string>(reachable(policy, caller.authenticated.principal, roles));
    const items = [...policy.connections.values()]
      .filter(({ name }) => seen === null || seen.has(name))
      .map(({ name, protocol, region, labels, upstream }) => ({
        name,
        protocol,
        region,
        labels: [...labels],
        url: `${gateway.config.origin}/c/${name}`,
        ...(isAdmin ? { upstream } : {}),
      }));
    return taggedJson(request, { items, next: null });
  },
});

export const ABOUT_ROUTES: readonly Route[] = [whoami, connections];
