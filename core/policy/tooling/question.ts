// A command that nobody sends: what an example or a person describes, made into what `decide` is asked.

import type { Principal } from "../../auth/principal.ts";
import { type Result, ok, refuse } from "../../result.ts";
import type { BodyView } from "../body.ts";
import { type Question, decide, rolesOf } from "../decide.ts";
import { type Decision, deniedByDefault } from "../decision.ts";
import type { ExamplePerson } from "../example.ts";
import type { ConnectionSettings, Policy, PolicyExample } from "../policy.ts";
import { readTarget, type TargetProblem } from "./read_target.ts";

export type Described = Pick<
  PolicyExample,
  "as" | "method" | "target" | "connection" | "headers" | "body" | "message" | "address" | "time"
>;

/** `now` in milliseconds, for a question that names no time. */
export function questionOf(
  policy: Policy,
  described: Described,
  now: number,
): Result<Question, { readonly reason: TargetProblem }> {
  const read = readTarget(described.connection, described.method, described.target);
  if (!read.ok) return read;
  const { path, query, segments, connection: name } = read.value;
  const connection = policy.connections.get(name);
  if (described.message !== null && connection !== undefined && connection.protocol !== "websocket")
    return refuse({ reason: "no_messages" });
  const principal = principalOf(policy, described.as);
  return ok({
    principal,
    roles: rolesOf(policy.roles, principal, null),
    connection: name,
    method: described.method,
    segments,
    path,
    query,
    headers: described.headers,
    address: described.address,
    region: connection?.region ?? "",
    now: described.time ?? now,
    body: withinLimit(described, connection),
    message: described.message,
  });
}

/** A body has been read by now, so the decision never asks for one; if it did, that would not be an allow. */
export function decideQuestion(policy: Policy, asked: Question): Decision {
  const decision = decide(policy, asked);
  return decision.effect === "needs_body" ? deniedByDefault(policy.hash, "body_too_large_to_decide") : decision;
}

const encoder = new TextEncoder();

function withinLimit({ body, message }: Described, connection: ConnectionSettings | undefined): BodyView {
  if (body.kind === "unread") return { kind: "none" };
  if (body.kind !== "json" || connection === undefined) return body;
  const size = message?.size ?? encoder.encode(JSON.stringify(body.value)).length;
  return size > connection.jsonLimit ? { kind: "refused", reason: "body_too_large_to_decide" } : body;
}

/**
 * Who leaves the issuer open means "our provider": the one that the file names, if it names one only.
 * Otherwise an issuer that nobody has, so that nothing bound to an issuer holds by accident.
 */
export function principalOf(policy: Policy, person: ExamplePerson): Principal {
  const [only, ...others] = issuersOf(policy);
  const issuer = person.issuer ?? (only !== undefined && others.length === 0 ? only : ANY_ISSUER);
  return { ...person, issuer };
}

export const ANY_ISSUER = "https://any-issuer.invalid";

function issuersOf(policy: Policy): ReadonlySet<string> {
  const named = [...policy.roles, ...policy.rules].flatMap(({ issuer, subjects }) => [
    ...(issuer === null ? [] : [issuer]),
    ...subjects.map((one) => one.issuer),
  ]);
  return new Set(named);
}
