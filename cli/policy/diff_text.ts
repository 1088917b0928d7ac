// A policy's change as a person reads it: what it means first, then the lines of the text.

import { effectText } from "../../core/policy/tooling/order.ts";
import type { ExampleDecision } from "../../core/policy/tooling/examples.ts";
import type { MemberChange, PartDiff, PolicyDiff } from "../../core/policy/tooling/policy_diff.ts";
import { line, type Line, oneLine, span } from "../../core/policy/tooling/spans.ts";
import { shown, type Style } from "../terminal.ts";

export function meaningLines(diff: PolicyDiff): readonly Line[] {
  if (diff.isSame) return [line(span("The policies mean the same: only comments or layout differ.", "dim"))];
  const { rules, roles, persons, notify, masks, connections, examples, effects, description } = diff;
  return [
    ...(description === null ? [] : [line(span("description", "strong")), ...memberLines(description, "  ")]),
    ...partLines("roles", roles),
    ...(persons === null ? [] : [line(span("persons", "strong")), ...memberLines(persons, "  ")]),
    ...partLines("notify", notify),
    ...partLines("masks", masks),
    ...partLines("connections", connections),
    ...partLines("rules", rules, rules.moved.length > 0),
    ...movedLines(rules.moved),
    ...partLines("examples", { ...examples, changed: examples.changed.map(({ name }) => ({ name, members: [] })) }),
    ...(effects.length === 0 ? [] : [line(span("what examples would get", "strong"))]),
    ...effects.map(({ name, before, after }) =>
      line("  ", span("!", "warn"), ` ${name}: `, decisionSpan(before), " → ", decisionSpan(after)),
    ),
  ];
}

/** Of many that moved nobody reads each. */
const MOVED_SHOWN = 10;

function movedLines(moved: readonly string[]): readonly Line[] {
  if (moved.length === 0) return [];
  const more = moved.length > MOVED_SHOWN ? ` and ${moved.length - MOVED_SHOWN} more` : "";
  const names = moved.slice(0, MOVED_SHOWN).join(", ");
  return [line("  ", span("↕", "warn"), ` ${names}${more} `, span("elsewhere in the file", "dim"))];
}

function decisionSpan({ effect, rule }: ExampleDecision): ReturnType<typeof span> {
  const tone = effect === "allow" ? "good" : effect === "deny" ? "bad" : "warn";
  return span(`${effectText(effect)} ${rule === null ? "by default" : `by ${rule}`}`, tone);
}

function partLines(title: string, { added, removed, changed }: PartDiff, isMore = false): readonly Line[] {
  const isHeaded = added.length + removed.length + changed.length > 0 || isMore;
  return [
    ...(isHeaded ? [line(span(title, "strong"))] : []),
    ...added.map((name) => line("  ", span(`+ ${name}`, "good"))),
    ...removed.map((name) => line("  ", span(`- ${name}`, "bad"))),
    ...changed.flatMap(({ name, members }) => [
      line("  ", span("~", "warn"), ` ${name}`),
      ...members.flatMap((change) => memberLines(change, "      ")),
    ]),
  ];
}

/** One value for another in one line; of several, those that came and went. */
function memberLines({ member, before, after }: MemberChange, indent: string): readonly Line[] {
  const label = span(member.padEnd(12), "dim");
  const came = after.filter((value) => !before.includes(value));
  const went = before.filter((value) => !after.includes(value));
  if (came.length + went.length === 0) return [line(indent, label, ` another order: ${after.map(oneLine).join(", ")}`)];
  return [
    ...went.map((value, index) =>
      line(indent, index === 0 ? label : blank(label), " ", span(`- ${oneLine(value)}`, "bad")),
    ),
    ...came.map((value, index) =>
      line(indent, index === 0 && went.length === 0 ? label : blank(label), " ", span(`+ ${oneLine(value)}`, "good")),
    ),
  ];
}

function blank({ text }: { readonly text: string }): string {
  return " ".repeat(text.length);
}

/** A unified diff, painted as everybody's is. */
export function unifiedLines(text: string, s: Style): readonly string[] {
  return text
    .split("\n")
    .slice(0, text.endsWith("\n") ? -1 : undefined)
    .map((row, index) => {
      const safe = shown(row.replaceAll("\t", "  "), 1000);
      if (index < 2) return s.bold(safe);
      if (row.startsWith("@@")) return s.cyan(safe);
      if (row.startsWith("+")) return s.green(safe);
      if (row.startsWith("-")) return s.red(safe);
      return row.startsWith("\\") || row.startsWith("[") ? s.dim(safe) : safe;
    });
}
