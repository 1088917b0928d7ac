// `sallyport policy explain`: what would be decided on a command that nobody sends. Offline.

import { createReadStream, existsSync } from "node:fs";
import { MAX_JSON_LIMIT, type BodyView, readJsonBody } from "../../core/policy/body.ts";
import { type MessageView, readMessage } from "../../core/policy/message.ts";
import type { Header } from "../../core/mask/mask_headers.ts";
import { isMessageMethod } from "../../core/protocol/http/methods.ts";
import { explain as explained } from "../../core/policy/tooling/explain.ts";
import { explanationLines } from "../../core/policy/tooling/explain_lines.ts";
import type { Described } from "../../core/policy/tooling/question.ts";
import { ok, refuse, type Result } from "../../core/result.ts";
import type { Io } from "../io.ts";
import { type CliRefusal, type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { type FileOptions, printFindings } from "./check.ts";
import { printLine } from "./paint.ts";
import { readPolicyFile } from "./policy_file.ts";

export interface ExplainOptions extends FileOptions {
  readonly on: string;
  readonly all?: boolean;
  readonly as: string;
  readonly group?: readonly string[];
  readonly issuer?: string;
  readonly email?: string;
  readonly actor?: readonly string[];
  readonly header?: readonly string[];
  readonly jsonBody?: string;
  readonly address?: string;
  readonly time?: string;
}

/** 0 whatever is decided: the question was answered. */
export async function explain(method: string, target: string, options: ExplainOptions, io: Io): Promise<Done> {
  const read = await readPolicyFile(options.file, io);
  if (!read.ok) return read;
  if (!read.value.parsed.ok) {
    await printFindings(read.value, [], io);
    return ok(EXIT.different);
  }
  const question = await describedBy(method, target, options, io);
  if (!question.ok) return question;
  const explanation = explained(read.value.parsed.value, question.value, Date.now());
  if (options.json === true) await io.print(jsonText(explanation));
  else for (const one of explanationLines(explanation, options.all === true)) await printLine(one, io);
  return ok(EXIT.ok);
}

async function describedBy(
  method: string,
  target: string,
  options: ExplainOptions,
  io: Io,
): Promise<Result<Described, CliRefusal>> {
  const headers: Header[] = [];
  for (const text of options.header ?? []) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined)
      return refuse({ reason: "usage", what: `--header takes "name: value", not ${shown(text, 60)}.` });
    headers.push([name.toLowerCase(), value]);
  }
  const time = options.time === undefined ? null : Date.parse(options.time);
  if (Number.isNaN(time)) return refuse({ reason: "usage", what: "--time takes a time, as 2026-11-24T10:00:00Z." });
  const read = await readFile(options.jsonBody, io);
  if (!read.ok) return read;
  const given = isMessageMethod(method) ? messageOf(read.value) : { body: bodyOf(read.value, headers), message: null };
  const issuer = options.issuer ?? null;
  return ok({
    as: {
      issuer,
      subject: options.as,
      name: null,
      email: options.email ?? null,
      emailVerified: options.email !== undefined,
      groups: options.group ?? [],
      authTime: null,
      methods: [],
      actors: (options.actor ?? []).map((text) => actorOf(text, issuer)),
    },
    method,
    target,
    connection: options.on,
    headers,
    ...given,
    address: options.address ?? null,
    time,
  });
}

/** `helper@https://agents.example`; without an issuer, of the person's own. */
function actorOf(text: string, issuer: string | null): { readonly subject: string; readonly issuer: string } {
  const at = text.search(/@https?:\/\//);
  return at < 0 ? { subject: text, issuer: issuer ?? "" } : { subject: text.slice(0, at), issuer: text.slice(at + 1) };
}

/** Null: no file was named. */
async function readFile(file: string | undefined, io: Io): Promise<Result<Uint8Array | null, CliRefusal>> {
  if (file === undefined) return ok(null);
  if (file !== "-" && !existsSync(file)) return refuse({ reason: "usage", what: `there is no file ${shown(file)}.` });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    const source = file === "-" ? io.stdin() : (createReadStream(file) as AsyncIterable<Uint8Array>);
    for await (const chunk of source) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > MAX_JSON_LIMIT) break;
    }
  } catch {
    return refuse({ reason: "unreachable", what: `${shown(file)} cannot be read.` });
  }
  return ok(Buffer.concat(chunks));
}

/** Read as the gateway reads it, so that a body which it would refuse is refused here. */
function bodyOf(bytes: Uint8Array | null, headers: readonly Header[]): BodyView {
  if (bytes === null) return { kind: "none" };
  const isTyped = headers.some(([name]) => name === "content-type");
  return readJsonBody(bytes, isTyped ? headers : [...headers, ["content-type", "application/json"]]);
}

/** Bytes that are no text are a binary message. */
function messageOf(bytes: Uint8Array | null): { readonly body: BodyView; readonly message: MessageView } {
  const text = textOf(bytes ?? new Uint8Array(0));
  const message: MessageView = { type: text === null ? "binary" : "text", size: bytes?.length ?? 0 };
  return { body: readMessage(message, text, MAX_JSON_LIMIT), message };
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
