// `sallyport approvals show`: what deciders see. Everything that a caller wrote passes `shown`, or the
// painter of bodies, so that a terminal obeys none of it.

import * as v from "valibot";
import { parseCommandId } from "../../core/ids.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import { type Access, accessOf, type AccessOptions } from "../access.ts";
import { callJson, notAGateway } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { payloadLines } from "../payload/payload_lines.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { jsonText, shown, type Style } from "../terminal.ts";
import { bytesText, shortTime } from "../time_text.ts";
import { ShownApproval } from "./approval.ts";
import { leftText, styleOf, who } from "./list.ts";

export interface ShowOptions extends AccessOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

const FEW_LINES = 40;

export async function show(options: ShowOptions, id: string, io: Io): Promise<Done> {
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const got = await readApproval(access.value, id);
  if (!got.ok) return got;
  if (options.json === true) await io.print(jsonText(got.value));
  else await printApproval(got.value, io, options.all === true);
  return ok(EXIT.ok);
}

export async function readApproval(access: Access, id: string): Promise<Result<ShownApproval, CliRefusal>> {
  if (parseCommandId(id) === null)
    return refuse({
      reason: "usage",
      what: `${shown(id, 60)} is no approval's id. \`sallyport approvals list\` lists them.`,
    });
  const missing = "there is no such approval that you may see. `sallyport approvals list --view mine` has your own.";
  const got = await callJson(access, { path: `/api/v1/approvals/${id}`, missing });
  if (!got.ok) return got;
  const parsed = v.safeParse(ShownApproval, got.value);
  return parsed.success ? ok(parsed.output) : notAGateway();
}

export async function printApproval(one: ShownApproval, io: Io, isWhole: boolean): Promise<void> {
  const { style: s } = io;
  const row = (label: string, value: string): Promise<void> => io.print(`${s.dim(label.padEnd(10))} ${value}`);
  await io.print(`${s.bold(shown(one.method, 20))} ${shown(one.target, 2000)}`);
  await row("at", shown(one.connection, 40));
  await row("state", stateText(one, s));
  await row("asked by", requesterText(one));
  if (one.reason !== null) await row("because", shown(one.reason, 1024));
  if (one.breakGlass !== null)
    await row(
      "glass",
      s.magenta(`went on without approval; review ${shown(one.breakGlass.review, 20).replace("_", " ")}`),
    );
  await row(
    "rule",
    [one.rule, one.ruleText.description, one.ruleText.message]
      .flatMap((text) => (text === null ? [] : [shown(text, 600)]))
      .join(": "),
  );
  for (const slot of one.by) await row("needs", slotText(slot));
  for (const vote of one.votes) {
    const forTime = vote.grantMinutes > 0 ? ` for ${vote.grantMinutes} min` : "";
    const comment = vote.comment === null ? "" : `: ${shown(vote.comment, 1024)}`;
    const said = vote.decision === "deny" ? s.red("denied") : s.green(`approved${forTime}`);
    await row(shortTime(vote.time).slice(11), `${shown(who(vote.decider), 80)} ${said}${comment}`);
  }
  await printSent(one, io, isWhole);
  if (one.earlier.length > 0) {
    const states = one.earlier.map(({ state, requested }) => `${shown(state, 20)} ${shortTime(requested)}`);
    await row("before", `the same was asked for: ${states.join(", ")}`);
  }
  for (const { time, method, path, outcome, status } of one.before)
    await row(
      shortTime(time).slice(11),
      s.dim(`${shown(method, 20)} ${shown(path, 200)} ${shown(outcome, 20)}${status === null ? "" : ` ${status}`}`),
    );
  await row("seen", s.dim(shown(one.seen, 64)));
}

async function printSent(one: ShownApproval, io: Io, isWhole: boolean): Promise<void> {
  const { style: s } = io;
  for (const [name, value] of one.headers) await io.print(`  ${s.dim(`${shown(name, 60)}:`)} ${shown(value, 300)}`);
  const { body } = one;
  if (body === null) return;
  const bytes = new Uint8Array(Buffer.from(body.base64, "base64"));
  const places = body.spans.map(({ place, put }) => ({ at: place, put }));
  const lines = payloadLines({ bytes, format: body.format, places }, io.width, s);
  const few = isWhole ? lines : lines.slice(0, FEW_LINES);
  await io.print("");
  for (const line of few) await io.print(`  ${line}`);
  const more = lines.length - few.length;
  if (more > 0) await io.print(s.dim(`  … ${more} more lines; --all shows them`));
  if (body.size > bytes.length)
    await io.print(s.dim(`  … ${bytesText(body.size)} in all: sallyport show ${one.id} --request`));
  for (const { rule, length } of body.spans)
    await io.print(s.dim(`  masked: ${shown(rule, 60)}, ${bytesText(length)}`));
  if (body.spansCut > 0) await io.print(s.dim(`  and ${body.spansCut} more places`));
  await io.print("");
}

function stateText({ state, stateReason, expires, review }: ShownApproval, s: Style): string {
  const said = styleOf(state, review, s)(shown(state, 20));
  const why = stateReason === "" ? "" : ` (${shown(stateReason, 40).replaceAll("_", " ")})`;
  return state === "pending" ? `${said}, ${leftText(expires - Date.now())} left` : said + why;
}

function requesterText({ requester, actors, client }: ShownApproval): string {
  const { name, subject, email, issuer } = requester;
  const named = name === null || name === "" ? shown(subject, 80) : `${shown(name, 80)} (${shown(subject, 80)})`;
  const mail = email === null ? "" : ` <${shown(email, 100)}>`;
  const through = actors.map((actor) => ` through ${shown(actor.subject, 80)}`).join("");
  const from = client === null ? "" : ` from ${shown(client, 60)}`;
  return `${named}${mail} of ${shown(issuer, 120)}${through}${from}`;
}

function slotText({ roles, groups, subjects, count, missing }: ShownApproval["by"][number]): string {
  const people = [
    ...roles.map((role) => `role ${role}`),
    ...groups.map((group) => `group ${group}`),
    ...subjects.map(({ subject }) => subject),
  ].map((text) => shown(text, 80));
  return `${count} of ${people.join(", ")}; ${missing === 0 ? "given" : `${missing} still to approve`}`;
}
