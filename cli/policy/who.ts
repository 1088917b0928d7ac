// `sallyport policy who`: who may do this, as far as the policy alone says. Offline.

import { whoMay, whoMayLines } from "../../core/policy/tooling/who_may.ts";
import { ok } from "../../core/result.ts";
import type { Io } from "../io.ts";
import { type Done, EXIT } from "../refusal.ts";
import { jsonText } from "../terminal.ts";
import { type FileOptions, printFindings } from "./check.ts";
import { printLine } from "./paint.ts";
import { readPolicyFile } from "./policy_file.ts";

export interface WhoOptions extends FileOptions {
  readonly on: string;
}

export async function who(method: string, target: string, options: WhoOptions, io: Io): Promise<Done> {
  const read = await readPolicyFile(options.file, io);
  if (!read.ok) return read;
  if (!read.value.parsed.ok) {
    await printFindings(read.value, [], io);
    return ok(EXIT.different);
  }
  const may = whoMay(read.value.parsed.value, options.on, method, target);
  if (options.json === true) await io.print(jsonText(may));
  else for (const one of whoMayLines(may)) await printLine(one, io);
  return ok(EXIT.ok);
}
