// `sallyport verify-session` and `show`: an export from a file, standard input or a gateway, verified
// as it streams, and told to a person or as JSON.

import { createReadStream, existsSync } from "node:fs";
import * as v from "valibot";
import { createHash } from "node:crypto";
import { parseDigest, parseSessionId } from "../core/ids.ts";
import { ok, refuse, type Result } from "../core/result.ts";
import type { SessionVerdict } from "../core/verify/verdict.ts";
import { verifySession } from "../core/verify/verify_session.ts";
import { accessOf, type AccessOptions, type CliRefusal, get, getJson } from "./gateway_client.ts";
import type { Io } from "./io.ts";
import { RecordLines } from "./record_line.ts";
import { shown, type Style } from "./terminal.ts";

export interface VerifyCliOptions extends AccessOptions {
  readonly head?: string | undefined;
  readonly show: boolean;
  readonly json: boolean;
}

/** 0 intact and complete, 1 altered, 4 intact but completeness not shown. */
export async function verifyCommand(
  source: string,
  options: VerifyCliOptions,
  io: Io,
): Promise<Result<number, CliRefusal>> {
  const head = parseHead(options.head);
  if (head === null)
    return refuse({ reason: "usage", what: "--head takes <size>:<root>, the root as 64 lower-case hex digits." });
  const opened = await open(source, options, io);
  if (!opened.ok) return opened;
  const lines = new RecordLines(io.style);
  let count = 0;
  let verdict: SessionVerdict;
  try {
    verdict = await verifySession(opened.value, {
      sha256: (bytes) => createHash("sha256").update(bytes).digest(),
      head,
      onRecord: async (record) => {
        count += 1;
        if (count % 1000 === 0) io.progress(`${count} records …`);
        if (options.show && !options.json) await io.print(lines.line(record));
      },
    });
  } catch {
    return refuse({ reason: "unreachable", what: "the export could not be read to its end. Try again." });
  } finally {
    io.progress("");
  }
  await io.print(options.json ? JSON.stringify(verdict) : verdictText(verdict, io.style));
  if (verdict.integrity.kind === "altered") return ok(1);
  return ok(verdict.completeness.kind === "shown" ? 0 : 4);
}

function parseHead(text: string | undefined): { size: number; root: string } | null | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  const root = match?.[2] === undefined ? null : parseDigest(match[2]);
  return root === null ? null : { size: Number(match?.[1]), root };
}

async function open(
  source: string,
  options: VerifyCliOptions,
  io: Io,
): Promise<Result<AsyncIterable<Uint8Array>, CliRefusal>> {
  if (source === "-") return ok(io.stdin());
  const sid = parseSessionId(source);
  // A file wins over nothing else: an id and `latest` are looked up at the gateway, "./latest" names a file.
  if (sid === null && source !== "latest") {
    if (!existsSync(source))
      return refuse({ reason: "usage", what: `there is no file ${shown(source)}, and it is no session's id.` });
    return ok(createReadStream(source, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>);
  }
  const access = accessOf(options, io.env);
  if (!access.ok) return access;
  let wanted: string | null = sid;
  if (wanted === null) {
    const list = await getJson(access.value, "/api/v1/sessions?limit=100");
    if (!list.ok) return list;
    const parsed = v.safeParse(SessionList, list.value);
    // The newest session that is not the console's own: reading the trail is itself a session.
    const found = parsed.success
      ? (parsed.output.sessions.find(({ connection }) => connection !== "console") ?? parsed.output.sessions[0])
      : undefined;
    wanted = found === undefined ? null : parseSessionId(found.sid);
    if (wanted === null)
      return refuse({ reason: "unreachable", what: "there is no session yet that you can read. Make a call first." });
  }
  const got = await get(access.value, `/api/v1/sessions/${wanted}/records`);
  if (!got.ok) return got;
  return got.value.body === null
    ? refuse({ reason: "unreachable", what: "the gateway sent nothing. Try again." })
    : ok(got.value.body as AsyncIterable<Uint8Array>);
}

export const SessionList = v.object({
  sessions: v.array(
    v.object({
      sid: v.string(),
      connection: v.string(),
      owner: v.object({ issuer: v.string(), subject: v.string() }),
      opened: v.number(),
      closed: v.nullable(v.number()),
      size: v.nullable(v.number()),
    }),
  ),
});

function verdictText(verdict: SessionVerdict, s: Style): string {
  const { integrity, completeness, findings, records, root } = verdict;
  const lines: string[] = [];
  const note = (count: number, what: string, which: readonly (string | number)[]): void => {
    if (count > 0)
      lines.push(
        `${s.yellow("note:")} ${count} ${what}: ${which
          .slice(0, 5)
          .map((one) => shown(String(one)))
          .join(", ")}${count > 5 ? ", …" : ""}`,
      );
  };
  // Reading stops at the first wrong record, so what is still open there says nothing.
  if (integrity.kind === "intact")
    note(findings.openCount, plural(findings.openCount, "command") + " without an outcome yet", findings.open);
  note(findings.unknownCount, plural(findings.unknownCount, "command") + " of unknown outcome", findings.unknown);
  note(
    findings.gapCount,
    plural(findings.gapCount, "record") + " of something that could not be recorded",
    findings.gaps,
  );
  note(
    findings.backwardsCount,
    plural(findings.backwardsCount, "record") + " with a time before the last one's",
    findings.backwards,
  );
  if (integrity.kind === "intact") {
    lines.push(
      `${s.green(s.bold("intact"))}: ${records} ${plural(records, "record")}, chain and tree verified (root ${root.slice(0, 16)}…)`,
    );
  } else {
    const { line, seq, detail, reason } = integrity.first;
    lines.push(
      `${s.red(s.bold("ALTERED"))}: record ${seq} (line ${line}) is the first wrong one: ${shown(detail)} ${s.dim(`[${reason}]`)}`,
    );
    const holding = Math.min(records, seq);
    lines.push(`${holding} ${plural(holding, "record")} before it ${holding === 1 ? "holds" : "hold"}`);
  }
  lines.push(completenessText(verdict, s));
  if (integrity.kind === "intact") lines.push(s.dim(`head: ${records}:${root}`));
  if (completeness.kind === "shown" && completeness.by === "head")
    lines.push(s.dim("the head is the export's own; keep it, and check a later export with --head"));
  return lines.join("\n");
}

function completenessText({ completeness, records, closed }: SessionVerdict, s: Style): string {
  if (completeness.kind === "shown") {
    const by = {
      head: "the head in the export",
      given_head: "the head you brought",
      both: "the head in the export and the one you brought",
    }[completeness.by];
    return `${s.green(s.bold("complete"))}: all ${records} records that ${by} counts${closed ? "; the session is closed" : "; the session is still open"}`;
  }
  const label = s.yellow(s.bold("completeness not shown"));
  switch (completeness.reason) {
    case "altered":
      return `${label}: an altered log shows nothing`;
    case "no_head":
      return `${label}: the export has no head line; bring one with --head`;
    case "records_missing":
      return `${label}: record ${completeness.seq} is the first missing one of ${completeness.size}`;
  }
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}
