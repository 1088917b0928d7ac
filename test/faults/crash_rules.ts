// What a trail has to say about each call that somebody made: the rules of the crash campaign.

import type { Attempt } from "./crash_load.ts";
import type { Command } from "./crash_trail.ts";

/** Version 4, which callers choose; the gateway's own ids are of version 7. */
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/;
const OUTCOME = /^command\.(denied|completed|failed|cancelled)$/;

/** By the id that their caller put into the target, or beside it. */
export function byCaller(commands: Iterable<Command>): Map<string, Command[]> {
  const found = new Map<string, Command[]>();
  for (const command of commands) {
    if (isMessage(command)) continue;
    const id = (UUID.exec(command[0]?.fields.target ?? "") ?? UUID.exec(command[0]?.fields.headers ?? ""))?.[0];
    if (id !== undefined) found.set(id, [...(found.get(id) ?? []), command]);
  }
  return found;
}

/** Of a body's pieces there are as many as it took; a verifier has held them to their order. */
export const kindsOf = (command: Command): string[] =>
  command.map((record) => record.kind).filter((kind) => kind !== "stream.chunk");

/** A message of a socket: one record, complete in itself. */
export function isMessage(command: Command): boolean {
  return command[0]?.classes.oneway === 1;
}

export function isOpen(command: Command): boolean {
  return !isMessage(command) && !command.some(({ kind }) => OUTCOME.test(kind));
}

export function isUnknown(command: Command): boolean {
  return command.some(({ classes }) => classes.reason === "outcome_unknown");
}

/** What is wrong with a command of which nothing is to come any more; null if all is well. */
export function disorder(command: Command): string | null {
  if (isMessage(command)) return command.length === 1 ? null : kindsOf(command).join();
  const outcomes = command.filter(({ kind }) => OUTCOME.test(kind)).length;
  if (outcomes !== 1) return `${outcomes} outcomes`;
  if (new Set(command.map(({ sid }) => sid)).size !== 1) return "in two sessions";
  const kinds = kindsOf(command).join();
  return ORDERS.test(kinds) ? null : kinds;
}

const ORDERS =
  /^command\.(denied|requested(,response\.started)?(,gap)?,command\.(completed|failed|cancelled)|requested(,response\.started)?,command\.completed,gap)$/;

/** What is wrong between what a caller was answered and what is recorded; null if all is well. */
export function contradiction(attempt: Attempt, commands: readonly Command[], heard: number): string | null {
  const [command, ...others] = commands;
  const kinds = command === undefined ? [] : kindsOf(command);
  if (others.length > 0) return "two commands";
  if (new Set(kinds).size !== kinds.length) return "a kind twice";
  if (heard > 1) return "forwarded twice";
  if (heard > 0 && kinds[0] !== "command.requested") return "forwarded, and no intent";
  if (attempt.way === "stranger") return attempt.status === 401 || attempt.status === 0 ? null : "let in";
  switch (attempt.status) {
    case 0:
      return null;
    case 200:
      return command === undefined ? "answered, and no record" : answerContradiction(attempt, command);
    case 403:
      return kinds.join() === "command.denied" && isAtPlaceTold(command, attempt) ? null : "refused, and no record";
    case 502:
      return failureContradiction(attempt, command);
    case 503:
      return heard > 0 ? "refused, and forwarded" : null;
    default:
      return `status ${attempt.status}`;
  }
}

function answerContradiction(attempt: Attempt, command: Command): string | null {
  const outcome = command.find(({ kind }) => kind === "command.completed");
  const isStream = command.some(({ kind }) => kind === "response.started");
  // What the gateway's own API answers is the records themselves: they are not recorded once more.
  const isOwn = attempt.way === "console" || attempt.way === "export";
  if (isStream && !isOwn && recordedBytes(command, "response") < attempt.bytes)
    return "released before it was recorded";
  if (!attempt.ended) return outcome !== undefined || isStream ? null : "released before it was recorded";
  if (attempt.way === "endless") return "cut, and it looked whole";
  if (outcome === undefined) return "ended, and no outcome";
  const { request, response } = JSON.parse(outcome.fields.digests ?? "") as Record<
    "request" | "response",
    { complete: boolean; sha256?: string } | null
  >;
  if (response?.complete !== true) return "another answer is recorded";
  // Under a key of the gateway's, where the body is not in the records.
  if (!isOwn && response.sha256 !== attempt.received) return "another answer is recorded";
  if (outcome.classes.resp_bytes !== attempt.bytes || outcome.classes.status !== 200) return "another size is recorded";
  return (request?.sha256 ?? null) === attempt.sent ? null : "another request is recorded";
}

/** How many of a body's bytes, as they travelled, its pieces stand for. */
export function recordedBytes(command: Command, side: "request" | "response"): number {
  return piecesOf(command, side).reduce((sum, { classes }) => sum + Number(classes.length), 0);
}

export function piecesOf(command: Command, side: "request" | "response"): Command {
  return command.filter(({ kind, classes }) => kind === "stream.chunk" && classes.side === side);
}

/** Bytes that were released and whose text was to come with a later piece. */
export function heldBytes(command: Command, side: "request" | "response"): number {
  return Number(piecesOf(command, side).at(-1)?.classes.held ?? 0);
}

/** An answer that the upstream did not give, or that could not be recorded: the record of that may be lost in the crash. */
function failureContradiction(attempt: Attempt, command: Command | undefined): string | null {
  if (command === undefined || !isAtPlaceTold(command, attempt)) return "failed, and no record";
  if (attempt.ended && told(attempt).reason === "answer_not_recordable") return null;
  return kindsOf(command).join() === "command.requested,command.failed" && !isUnknown(command)
    ? null
    : "failed, and not so recorded";
}

function told({ text }: Attempt): { record?: string; reason?: string } {
  return JSON.parse(text) as { record?: string; reason?: string };
}

/** An answer that was cut tells no place. */
function isAtPlaceTold(command: Command | undefined, attempt: Attempt): boolean {
  const [first] = command ?? [];
  return first !== undefined && (!attempt.ended || told(attempt).record === `${first.sid}/${first.seq}`);
}
