// Reads a body by a route's schema: of the stated media type only, no further than its limit, and
// refused where two readers could understand it differently.

import * as v from "valibot";
import { readJsonBody } from "../../core/policy/body.ts";
import { ok, type Result } from "../../core/result.ts";
import { BODY_MS, readBody } from "../http/read_body.ts";
import type { ProblemError } from "../problem.ts";
import type { BodySpec, Refusal } from "./route.ts";
import { expectedOf } from "./schemas.ts";

const MAX_ERRORS = 20;

export async function readJson(request: Request, spec: BodySpec<v.GenericSchema>): Promise<Result<unknown, Refusal>> {
  const read = await readBytes(request, spec);
  if (!read.ok) return read;
  // The charset and the coding have been looked at; what is left to refuse is the text.
  const view = readJsonBody(read.value, [["content-type", "application/json"]]);
  if (view.kind !== "json")
    return invalid([
      { pointer: "", expected: "JSON that every parser reads alike, each member once, at most 64 levels deep" },
    ]);
  return checked(view.value, spec.schema);
}

export async function readText(request: Request, spec: BodySpec<v.GenericSchema>): Promise<Result<unknown, Refusal>> {
  const read = await readBytes(request, spec);
  if (!read.ok) return read;
  try {
    return checked(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(read.value), spec.schema);
  } catch {
    return invalid([{ pointer: "", expected: "UTF-8" }]);
  }
}

function checked(value: unknown, schema: v.GenericSchema): Result<unknown, Refusal> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return ok(parsed.output);
  return invalid(
    parsed.issues.slice(0, MAX_ERRORS).map((issue) => ({
      pointer: (issue.path ?? []).map(({ key }) => `/${step(String(key))}`).join(""),
      expected: expectedOf(issue, "member"),
    })),
  );
}

/** RFC 6901 §3. Names are the caller's: no more of one than is needed to find it. */
function step(name: string): string {
  return name.slice(0, 64).replaceAll("~", "~0").replaceAll("/", "~1");
}

async function readBytes(request: Request, spec: BodySpec<v.GenericSchema>): Promise<Result<Uint8Array, Refusal>> {
  const { headers, body } = request;
  if (!isMediaType(headers.get("content-type"), spec.mediaType) || headers.has("content-encoding"))
    return { ok: false, reason: "media_type_unsupported", more: { headers: [["accept", spec.mediaType]] } };
  if (body === null) return invalid([{ pointer: "", expected: "a body" }]);
  const read = await readBody(request, spec.limit, BODY_MS);
  switch (read.kind) {
    case "whole":
      return ok(read.bytes);
    case "too_large":
      return { ok: false, reason: "body_too_large" };
    case "cut":
      return { ok: false, reason: "request_cut" };
    case "late":
      return { ok: false, reason: "body_late" };
  }
}

/** RFC 9110 §8.3.1. A charset may be stated if it is the one that is read. */
function isMediaType(stated: string | null, wanted: string): boolean {
  const [, type] = /^\s*([^\s;]+)\s*(?:;\s*charset="?utf-?8"?\s*)?$/i.exec(stated ?? "") ?? [];
  return type?.toLowerCase() === wanted;
}

function invalid(errors: readonly ProblemError[]): { readonly ok: false } & Refusal {
  return { ok: false, reason: "request_invalid", more: { errors } };
}
