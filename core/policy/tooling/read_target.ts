// METHOD and target as a person types them, read as the gateway reads a request: by the same parser,
// so that a tool never explains another path than the one that would be decided.

import type { ConnectionName } from "../../ids.ts";
import { isMessageMethod, verbClass } from "../../protocol/http/methods.ts";
import { parseTarget, routeSegments, type TargetRefusal } from "../../protocol/http/target.ts";
import { ok, refuse, type Result } from "../../result.ts";

export interface ReadTarget {
  readonly connection: ConnectionName;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly segments: readonly string[];
}

export type TargetProblem = TargetRefusal["reason"] | "method_unknown" | "no_messages";

export function readTarget(
  connection: string,
  method: string,
  target: string,
): Result<ReadTarget, { readonly reason: TargetProblem }> {
  if (verbClass(method) === null && !isMessageMethod(method)) return refuse({ reason: "method_unknown" });
  // Anything else would be read as part of the connection's name.
  if (!/^(?:[/?]|$)/.test(target)) return refuse({ reason: "target_malformed" });
  const parsed = parseTarget(`/c/${connection}${target}`, "/c/");
  if (!parsed.ok) return parsed;
  if (parsed.value.connection !== connection) return refuse({ reason: "target_without_connection" });
  const { path, query } = parsed.value;
  return ok({ connection: parsed.value.connection, method, path, query, segments: routeSegments(path) });
}
