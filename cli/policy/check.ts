// `sallyport policy check`: whether a file is a policy, and what of it was hardly meant. Offline.

import { analyse } from "../../core/policy/tooling/analysis.ts";
import type { PolicyWarning } from "../../core/policy/tooling/warning.ts";
import { counted } from "../../core/policy/tooling/spans.ts";
import type { PolicyProblem } from "../../core/policy/policy.ts";
import { ok } from "../../core/result.ts";
import type { Io } from "../io.ts";
import { type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { type ReadPolicy, readPolicyFile } from "./policy_file.ts";
import { type Finding, findingLines } from "./problem_text.ts";

export interface FileOptions {
  readonly file?: string;
  readonly json?: boolean;
}

interface CheckOptions extends FileOptions {
  readonly strict?: boolean;
}

export async function check(options: CheckOptions, io: Io): Promise<Done> {
  const read = await readPolicyFile(options.file, io);
  if (!read.ok) return read;
  const { name, text, hash, parsed } = read.value;
  const problems = parsed.ok ? [] : parsed.problems;
  const warnings = parsed.ok ? analyse(parsed.value, text) : [];
  const isGood = problems.length === 0 && (options.strict !== true || warnings.length === 0);
  const code = isGood ? EXIT.ok : EXIT.different;
  if (options.json === true) {
    await io.print(jsonText({ file: name, ok: isGood, hash, problems, warnings }));
    return ok(code);
  }
  await printFindings(read.value, warnings, io);
  await io.print(summary(read.value, warnings.length, io));
  return ok(code);
}

/** Problems if it has any, else warnings. */
export async function printFindings(read: ReadPolicy, warnings: readonly PolicyWarning[], io: Io): Promise<void> {
  const { name, text, parsed } = read;
  const lines = text.split(/\r\n|\n|\r/);
  const findings = parsed.ok ? warnings.map(warningFinding) : parsed.problems.map(problemFinding);
  for (const finding of findings) {
    for (const row of findingLines(name, lines, finding, io)) await io.print(row);
    await io.print("");
  }
}

export function problemFinding({ line, column, expected, path }: PolicyProblem): Finding {
  return {
    kind: "error",
    line,
    column,
    message: `expected ${expected}`,
    advice: "",
    tag: path,
    isSecret: /\b(?:credential|secret|upstream)\b/.test(path),
  };
}

export function warningFinding({ line, column, message, advice, code }: PolicyWarning): Finding {
  return { kind: "warning", line, column, message, advice, tag: code, isSecret: false };
}

function summary({ name, parsed }: ReadPolicy, warnings: number, { style }: Io): string {
  if (!parsed.ok)
    return `${shown(name)}: ${style.red(style.bold(counted(parsed.problems.length, "problem")))}, it cannot be applied`;
  const { roles, connections, rules, examples } = parsed.value;
  const parts = [
    counted(rules.length, "rule"),
    counted(connections.size, "connection"),
    counted(roles.length, "role"),
    counted(examples.length, "example"),
  ];
  const warned = warnings === 0 ? "" : `, ${style.yellow(counted(warnings, "warning"))}`;
  return `${shown(name)}: ${style.green(style.bold("ok"))}${warned} ${style.dim(`(${parts.join(", ")})`)}`;
}
