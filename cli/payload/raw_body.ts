// `show --request`, `show --response`: one body and nothing else, into a pipe, a file or, made safe, onto a
// terminal.

import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { ok, refuse, type Result } from "../../core/result.ts";
import { type Access, accessOf, type AccessOptions } from "../access.ts";
import { call } from "../gateway_client.ts";
import type { Io } from "../io.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { shown } from "../terminal.ts";
import { bytesText } from "../time_text.ts";
import { type Begun, type Download, download } from "./download.ts";
import { type PayloadFacts, payloadPath, type Side } from "./payload_facts.ts";

export interface RawBody {
  readonly id: string;
  readonly sid: string;
  readonly side: Side;
  readonly facts: PayloadFacts;
  /** Null for standard output. */
  readonly file: string | null;
}

/** 0 if the body is whole, 4 if more of it may come or was not to be recorded. */
export async function rawBody(body: RawBody, options: AccessOptions, access: Access, io: Io): Promise<Done> {
  const { id, sid, side, facts, file } = body;
  const missing = whyMissing(facts, side);
  if (missing !== null) return refuse({ reason: "unreachable", what: missing });
  const path = payloadPath(sid, id, side);
  const common: Omit<Download, "take"> = {
    path,
    access: () => accessOf(options, io),
    progress: (done, size) => io.progress(`${bytesText(done)}${size === null ? "" : ` of ${bytesText(size)}`} …`),
    broke: (milliseconds) => io.progress(`the connection broke; again in ${milliseconds / 1000} s …`),
  };
  const got = file !== null ? await intoFile(common, file, access) : await intoOutput(common, facts, io);
  io.progress("");
  if (!got.ok) return got;
  if (!got.value) io.note(io.noteStyle.yellow("the command is under way: more of it may come"));
  if (facts.cut > 0) io.note(io.noteStyle.yellow(`${bytesText(facts.cut)} of it are in no record`));
  return ok(got.value && facts.cut === 0 ? EXIT.ok : EXIT.incomplete);
}

function whyMissing({ state }: PayloadFacts, side: Side): string | null {
  switch (state) {
    case "recorded":
      return null;
    case "none":
      return `this command has no ${side} body, or nothing of it yet.`;
    case "metadata":
      return `the ${side} body is not recorded, by order of the policy: of it there is metadata alone.`;
    case "opaque":
      return `the ${side} body came in a coding that cannot be opened: a commitment is recorded, and no content.`;
  }
}

async function intoOutput(
  common: Omit<Download, "take">,
  facts: PayloadFacts,
  io: Io,
): Promise<Result<boolean, CliRefusal>> {
  const begun: Begun = { from: 0, etag: null };
  if (!io.isTerminal) return download({ ...common, take: (bytes) => io.write(bytes) }, begun);
  if (facts.format === "binary")
    return refuse({ reason: "usage", what: "this body is binary, and this is a terminal: give -o FILE, or a pipe." });
  const decoder = new TextDecoder();
  let rest = "";
  const take = async (bytes: Uint8Array): Promise<void> => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) await io.print(safeLine(line));
  };
  const got = await download({ ...common, progress: () => undefined, take }, begun);
  rest += decoder.decode();
  if (rest !== "") await io.print(safeLine(rest));
  return got;
}

function safeLine(line: string): string {
  return shown(line.replace(/\r$/, "").replaceAll("\t", "    "), Infinity);
}

/** Into a file beside it first, which is gone on with next time if this is interrupted. */
async function intoFile(
  common: Omit<Download, "take">,
  file: string,
  access: Access,
): Promise<Result<boolean, CliRefusal>> {
  const head = await call(access, { path: common.path, method: "HEAD" });
  if (!head.ok) return head;
  const etag = head.value.headers.get("etag");
  const tag = /^"([0-9a-f]{12})[0-9a-f]*"$/.exec(etag ?? "")?.[1];
  const part = tag === undefined ? `${file}.part` : `${file}.${tag}.part`;
  const size = Number(head.value.headers.get("content-length") ?? Number.NaN);
  const kept = tag === undefined ? 0 : await sizeOf(part);
  const from = kept <= size ? kept : 0;
  let handle: FileHandle;
  try {
    handle = await open(part, from > 0 ? "a" : "w", 0o600);
  } catch {
    return refuse({ reason: "unreachable", what: `${shown(part)} cannot be written.` });
  }
  let got: Result<boolean, CliRefusal>;
  try {
    const take = (bytes: Uint8Array): Promise<void> => handle.writeFile(bytes);
    got = from > 0 && from === size ? ok(true) : await download({ ...common, take }, { from, etag });
  } catch {
    got = refuse({ reason: "unreachable", what: `${shown(part)} cannot be written. Is the disk full?` });
  } finally {
    await handle.close();
  }
  if (got.ok) await rename(part, file);
  return got;
}

async function sizeOf(file: string): Promise<number> {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : 0;
  } catch {
    return 0;
  }
}
