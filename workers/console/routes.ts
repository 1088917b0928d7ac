// The gateway's own API, `/api/v1/…`: commands on the built-in connection `console`, decided by
// built-in rules and recorded like any other, so that reading the trail is part of the trail.

import type { Header } from "../../core/mask/mask_headers.ts";
import { CONSOLE } from "../../core/policy/policy.ts";
import { decideConsole } from "../../core/policy/console_rules.ts";
import type { Caller } from "../caller.ts";
import type { Asked, Cleared, Exchange } from "../http/exchange.ts";
import { problem } from "../problem.ts";
import { originOf } from "../protected_resource.ts";
import { readPolicy, revoke, whoami } from "./administration.ts";
import {
  listSessions,
  perimeterRecords,
  perimeterSessions,
  readSession,
  registryRecords,
  sessionRecords,
} from "./sessions.ts";

export function resolveConsole(caller: Caller, { request, policy }: Exchange): Asked {
  const rest = request.url.slice(originOf(request.url).length);
  const at = rest.indexOf("?");
  const path = at < 0 ? rest : rest.slice(0, at);
  const query = at < 0 ? "" : rest.slice(at + 1);
  const segments = path.slice(1).split("/");
  const headers: Header[] = [...request.headers];
  return {
    connection: CONSOLE,
    method: request.method,
    decision: decideConsole(policy.hash, caller.roles, request.method, segments),
    refusal: null,
    answerer: { kind: "local", answer: (cleared) => answer(cleared, segments.slice(2), new URLSearchParams(query)) },
    sent: { target: { method: request.method, path, query }, headers },
    fields: {},
  };
}

async function answer(
  cleared: Cleared,
  [collection, id, part, last]: readonly string[],
  query: URLSearchParams,
): Promise<Response> {
  switch (collection) {
    case "whoami":
      return whoami(cleared);
    case "sessions":
      if (id === undefined) return listSessions(cleared, query);
      return part === "records" ? sessionRecords(cleared, id) : readSession(cleared, id);
    case "policies":
      return readPolicy(cleared, id ?? "");
    case "registry":
      return registryRecords(cleared, id ?? "");
    case "perimeter":
      return part === undefined || last === undefined
        ? perimeterSessions(cleared, id ?? "")
        : perimeterRecords(cleared, id ?? "", part);
    case "revocations":
      return revoke(cleared);
    default:
      return problem("not_found", null);
  }
}
