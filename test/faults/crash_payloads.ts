// What the records hold of bodies and messages, against what callers and upstream know of them: the
// second half of the crash campaign's rules.

import { createHash } from "node:crypto";
import type { Attempt } from "./crash_load.ts";
import { heldBytes, isMessage, piecesOf, recordedBytes } from "./crash_rules.ts";
import type { SocketLoad } from "./crash_sockets.ts";
import type { Auditor, Command, Trail } from "./crash_trail.ts";
import { CHUNK, type CrashUpstream } from "./crash_upstream.ts";

/** Bodies that were read from the gateway, by command and side: a record never changes. */
export type Bodies = Map<string, Buffer>;

/** What is wrong with the recorded bodies of one call; null if all is well. */
export async function bodyContradiction(
  attempt: Attempt,
  command: Command | undefined,
  upstream: CrashUpstream,
  auditor: Auditor,
): Promise<string | null> {
  const received = upstream.bodies.get(attempt.id);
  if (command === undefined) return null;
  const id = command[0]?.command ?? "";
  const sid = command[0]?.sid ?? "";
  if (attempt.way === "upload" && received !== undefined && received.bytes > 0) {
    if (recordedBytes(command, "request") < received.bytes) return "forwarded before it was recorded";
    const body = await auditor.payload(sid, id, "request");
    if (body.length + heldBytes(command, "request") < received.bytes) return "less is recorded than was forwarded";
    const head = createHash("sha256").update(body.subarray(0, received.bytes)).digest("hex");
    if (body.length >= received.bytes && head !== received.sha256) return "another body is recorded than was forwarded";
  }
  if (piecesOf(command, "response").length > 0 && attempt.way !== "export" && attempt.way !== "console") {
    const body = await auditor.payload(sid, id, "response");
    if (body.length + heldBytes(command, "response") < attempt.bytes) return "less is recorded than was released";
    const whole = Buffer.alloc(Math.ceil(body.length / CHUNK.length) * CHUNK.length, CHUNK);
    if (!body.equals(whole.subarray(0, body.length))) return "another body is recorded than was sent";
  }
  return null;
}

export interface Messages {
  /** Ids of the commands by which a text is recorded, for each way that it can go. */
  readonly send: Map<string, string[]>;
  readonly receive: Map<string, string[]>;
}

/** The texts of all messages that are recorded. */
export async function messagesOf(trail: Trail, auditor: Auditor, known: Bodies): Promise<Messages> {
  const found: Messages = { send: new Map(), receive: new Map() };
  for (const [id, command] of trail.commands) {
    const [record] = command;
    if (record === undefined || !isMessage(command) || record.kind !== "command.requested") continue;
    const body = known.get(id) ?? (await auditor.payload(record.sid, id, "request"));
    known.set(id, body);
    const texts = record.classes.verb === "send" ? found.send : found.receive;
    const text = body.toString("latin1");
    texts.set(text, [...(texts.get(text) ?? []), id]);
  }
  return found;
}

/** What is wrong between the messages that were sent and received and those that are recorded; empty if all is well. */
export function messageContradictions(load: SocketLoad, upstream: CrashUpstream, recorded: Messages): unknown[] {
  const found: unknown[] = [];
  for (const text of load.sent) {
    const [heard, echoed] = [upstream.messages.get(text) ?? 0, load.received.get(text) ?? 0];
    const [sent, received] = [recorded.send.get(text)?.length ?? 0, recorded.receive.get(text)?.length ?? 0];
    const isRight =
      sent <= 1 && received <= 1 && heard <= sent && echoed <= received && received <= heard && heard <= 1;
    if (!isRight) found.push({ text: text.slice(0, 60), sent, heard, received, echoed });
  }
  const known = new Set(load.sent);
  for (const texts of [recorded.send, recorded.receive])
    for (const text of texts.keys()) if (!known.has(text)) found.push({ text: text.slice(0, 60), what: "never sent" });
  return found;
}
