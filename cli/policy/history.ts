// `sallyport policy history` and `policy show`: who applied what, and what it said.

import { ok, refuse } from "../../core/result.ts";
import { accessOf, type AccessOptions } from "../access.ts";
import type { Io } from "../io.ts";
import { timeText } from "../time_text.ts";
import { type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { currentPolicy, policyOfHash, policyVersions } from "./remote_policy.ts";

export interface HistoryOptions extends AccessOptions {
  readonly limit: string;
  readonly json?: boolean;
}

export async function history(options: HistoryOptions, io: Io): Promise<Done> {
  if (!/^[1-9]\d{0,3}$/.test(options.limit))
    return refuse({ reason: "usage", what: "--limit takes a number from 1 to 9999." });
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const versions = await policyVersions(access.value, Number(options.limit));
  if (!versions.ok) return versions;
  const { style } = io;
  if (options.json === true) await io.print(jsonText(versions.value));
  else if (versions.value.length === 0) await io.print("No policy was ever applied: everything is denied.");
  else
    for (const [index, { no, hash, time, by, comment }] of versions.value.entries()) {
      const mark = index === 0 ? style.green("●") : style.dim("○");
      await io.print(
        [
          `${mark} ${style.bold(String(no).padStart(4))}`,
          style.dim(timeText(time)),
          style.cyan(shown(by.subject, 40)),
          shown(hash, 64),
          comment === "" ? "" : shown(comment),
        ]
          .join("  ")
          .trimEnd(),
      );
    }
  return ok(EXIT.ok);
}

export interface ShowOptions extends AccessOptions {
  readonly json?: boolean;
}

export async function show(hash: string | undefined, options: ShowOptions, io: Io): Promise<Done> {
  if (hash !== undefined && !/^[0-9a-f]{64}$/.test(hash))
    return refuse({
      reason: "usage",
      what: "a policy's hash has 64 hex digits. `sallyport policy history` lists them.",
    });
  const access = await accessOf(options, io);
  if (!access.ok) return access;
  const got = hash === undefined ? await currentPolicy(access.value) : await policyOfHash(access.value, hash);
  if (!got.ok) return got;
  if (options.json === true) {
    await io.print(jsonText(got.value));
    return ok(EXIT.ok);
  }
  // Into a file it goes as it is, but for a last line without an end, so that it can be applied again;
  // on a terminal it goes safely.
  const rows = got.value.text.replace(/\n$/, "").split("\n");
  if (!io.isTerminal) await io.print(rows.join("\n"));
  else for (const row of rows) await io.print(shown(row.replaceAll("\t", "  "), 2000));
  if (got.value.text === "") io.note("No policy was ever applied: everything is denied.");
  return ok(EXIT.ok);
}
