// `sallyport approvals approve|deny|cancel|revoke|review`.

import * as v from "valibot";
import { ok, refuse, type Result } from "../../core/result.ts";
import { type Access, accessOf, type AccessOptions } from "../access.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { freshToken } from "../login/fresh_token.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { Stepped } from "./approval.ts";
import { styleOf } from "./list.ts";
import { printApproval, readApproval } from "./show.ts";

export interface ActOptions extends AccessOptions {
  readonly comment?: string;
  readonly json?: boolean;
}

export interface DecideOptions extends ActOptions {
  readonly minutes?: string;
  readonly seen?: string;
  readonly yes?: boolean;
}

export async function decide(decision: "approve" | "deny", options: DecideOptions, id: string, io: Io): Promise<Done> {
  const minutes = minutesOf(options.minutes);
  if (!minutes.ok) return minutes;
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const seen = await seenOf(decision, options, id, access.value, io);
  if (!seen.ok) return seen;
  if (seen.value === null) return ok(EXIT.interrupted);
  const { comment } = options;
  const body = { decision, seen: seen.value, ...minutes.value, ...(comment === undefined ? {} : { comment }) };
  return post(access.value, id, "decision", body, options, io);
}

function minutesOf(text: string | undefined): Result<{ readonly minutes?: number }, CliRefusal> {
  if (text === undefined) return ok({});
  return /^\d{1,3}$/.test(text)
    ? ok({ minutes: Number(text) })
    : refuse({ reason: "usage", what: "--minutes takes a whole number." });
}

/** What the decision is about; null if the person would rather not. */
async function seenOf(
  decision: "approve" | "deny",
  { seen, yes, json }: DecideOptions,
  id: string,
  access: Access,
  io: Io,
): Promise<Result<string | null, CliRefusal>> {
  if (seen !== undefined) return ok(seen);
  const read = await readApproval(access, id);
  if (!read.ok) return read;
  // To deny is safe whatever it is.
  if (yes === true || decision === "deny") return ok(read.value.seen);
  if (json !== true) await printApproval(read.value, io, false);
  const answer = await io.ask("Approve this? [y/N] ");
  if (answer === null)
    return refuse({
      reason: "usage",
      what: `nobody can be asked here: give --seen ${shown(read.value.seen, 64)} of what you looked at, or --yes.`,
    });
  return ok(/^y(?:es)?$/i.test(answer.trim()) ? read.value.seen : null);
}

export async function act(
  what: "cancel" | "revoke" | "review",
  options: ActOptions,
  id: string,
  io: Io,
): Promise<Done> {
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const { comment } = options;
  return post(access.value, id, what, comment === undefined ? {} : { comment }, options, io);
}

async function post(
  access: Access,
  id: string,
  what: string,
  body: object,
  { json }: ActOptions,
  io: Io,
): Promise<Done> {
  const asked = {
    path: `/api/v1/approvals/${encodeURIComponent(id)}/${what}`,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    missing: "there is no such approval that you may see. `sallyport approvals list` lists what waits for you.",
  };
  let got = await callJson(access, asked);
  // What a token says of groups counts for five minutes: a login that can be renewed is.
  if (!got.ok && got.problem?.reason === "decider_login_old" && access.context !== null) {
    const renewed = await freshToken(io.env, access.context, access.gateway, access.token);
    if (!renewed.ok) return renewed;
    if (renewed.value !== null) got = await callJson({ ...access, token: renewed.value }, asked);
  }
  if (!got.ok) return got;
  const parsed = v.safeParse(Stepped, got.value);
  if (!parsed.success) return notAGateway();
  const { state, record } = parsed.output;
  if (json === true) await io.print(jsonText(parsed.output));
  else {
    const said = styleOf(state, null, io.style)(shown(state, 20));
    await io.print(`approval ${io.style.bold(id)} is ${said} ${io.style.dim(`(record ${shown(record, 80)})`)}`);
  }
  return ok(EXIT.ok);
}
