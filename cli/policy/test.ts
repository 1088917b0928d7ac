// `sallyport policy test`: runs a file's examples. Offline, and what an apply does before it applies.

import { type ExampleResult, expectationText, runExamples } from "../../core/policy/tooling/examples.ts";
import type { Policy } from "../../core/policy/policy.ts";
import { counted } from "../../core/policy/tooling/spans.ts";
import { ok } from "../../core/result.ts";
import type { Io } from "../io.ts";
import { type Done, EXIT } from "../refusal.ts";
import { jsonText, shown } from "../terminal.ts";
import { type FileOptions, printFindings } from "./check.ts";
import { wrapped } from "./paint.ts";
import { readPolicyFile } from "./policy_file.ts";

export async function test(options: FileOptions, io: Io): Promise<Done> {
  const read = await readPolicyFile(options.file, io);
  if (!read.ok) return read;
  const { name, hash, parsed } = read.value;
  if (!parsed.ok) {
    if (options.json === true) await io.print(jsonText({ file: name, ok: false, hash, problems: parsed.problems }));
    else await printFindings(read.value, [], io);
    return ok(EXIT.different);
  }
  const results = runExamples(parsed.value, Date.now());
  const isGood = results.every(({ passed }) => passed);
  if (options.json === true) await io.print(jsonText({ file: name, ok: isGood, hash, examples: results }));
  else await printResults(name, parsed.value, results, io);
  return ok(isGood ? EXIT.ok : EXIT.different);
}

async function printResults(name: string, policy: Policy, results: readonly ExampleResult[], io: Io): Promise<void> {
  const { style } = io;
  for (const result of results) {
    const mark = result.passed ? style.green("✓") : style.red("✗");
    const place = style.dim(`  ${shown(name)}:${result.line}`);
    await io.print(
      `${mark} ${shown(result.name)}${result.passed ? style.dim(`  ${shown(result.decision.why)}`) : place}`,
    );
    if (result.passed) continue;
    await io.print(`    expected ${style.bold(shown(expectationText(result.expected)))}`);
    for (const row of wrapped(`    got      ${style.red(shown(result.decision.why, 600))}`, io.width, 13))
      await io.print(row);
  }
  if (results.length === 0) {
    await io.print(`${shown(name)} has no examples. docs/policy.md shows how to write one.`);
    return;
  }
  const failed = results.filter(({ passed }) => !passed).length;
  const unnamed = policy.rules.filter(({ id }) => results.every(({ decision }) => decision.rule !== id));
  const verdict =
    failed === 0
      ? style.green(style.bold(`all ${counted(results.length, "example")} as expected`))
      : style.red(style.bold(`${failed} of ${counted(results.length, "example")} failed`));
  await io.print("");
  await io.print(`${shown(name)}: ${verdict}`);
  if (unnamed.length > 0) {
    const ids = unnamed.slice(0, 5).map(({ id }) => shown(id, 64));
    const more = unnamed.length > 5 ? `, and ${unnamed.length - 5} more` : "";
    await io.print(style.dim(`no example is decided by ${ids.join(", ")}${more}`));
  }
}
