// What the verifier found, for a person.

import type { SessionVerdict } from "../core/verify/verdict.ts";
import type { SignaturesVerdict } from "../core/verify/verify_signatures.ts";
import type { PayloadsVerdict } from "./payload/verify_payloads.ts";
import { shown, type Style } from "./terminal.ts";
import { bytesText } from "./time_text.ts";

export function verdictText(verdict: SessionVerdict, s: Style): string {
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
  if (integrity.kind === "intact") {
    note(findings.liveCount, plural(findings.liveCount, "approval") + " not over yet", findings.live);
    note(
      findings.owedCount,
      plural(findings.owedCount, "command") + " that broke the glass, not reviewed yet",
      findings.owed,
    );
  }
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
  if (findings.withheldCount > 0)
    lines.push(
      s.dim(
        `${findings.withheldCount} ${plural(findings.withheldCount, "field is", "fields are")} withheld from you, by commitment`,
      ),
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

/** Which decisions their deciders' passkeys signed; those that are not as their record says first. */
export function signaturesText({ holding, notShown, wrongCount, wrong }: SignaturesVerdict, s: Style): string {
  const lines = wrong
    .slice(0, 5)
    .map(({ seq, detail }) => `${s.red(s.bold("NOT SIGNED"))}: the decision of record ${seq}: ${shown(detail)}`);
  if (wrongCount > lines.length) lines.push(`${wrongCount - lines.length} more`);
  const held = `${holding} ${plural(holding, "decision")} as the records say`;
  const note = notShown > 0 ? `; ${notShown} not shown to you` : "";
  lines.push(`${wrongCount === 0 ? s.green(s.bold("signed")) : "signed"}: ${held}${note}`);
  return lines.join("\n");
}

/** What became of the bodies; those that differ first. */
export function payloadsText(payloads: PayloadsVerdict, s: Style): string {
  const { holding, bytes, whole, open, notShown, differing, differences } = payloads;
  const lines = differences.slice(0, 5).map(({ command, side, seq, detail }) => {
    const where = seq === null ? "" : `, record ${seq}`;
    return `${s.red(s.bold("DIFFERENT"))}: the ${side} body of command ${shown(command, 40)}${where}: ${shown(detail)}`;
  });
  if (differing > lines.length) lines.push(`${differing - lines.length} more ${plural(differing, "body", "bodies")}`);
  const notes = [
    whole > 0 ? `${whole} of them also by the digest of the whole` : "",
    open > 0 ? `${open} of commands under way not looked at` : "",
    notShown > 0 ? `${notShown} not shown to you` : "",
  ].filter((note) => note !== "");
  const held = `${holding} ${plural(holding, "body", "bodies")} (${bytesText(bytes)}) as the records say`;
  lines.push(`${differing === 0 ? s.green(s.bold("bodies")) : "bodies"}: ${[held, ...notes].join("; ")}`);
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

function plural(count: number, word: string, many = `${word}s`): string {
  return count === 1 ? word : many;
}
