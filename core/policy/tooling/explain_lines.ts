// An explanation as lines for people: the decision first, then who asked what, then the trail. One
// form, so that two explanations can be compared line by line.

import { approveTexts } from "./approve_text.ts";
import {
  type ExplainedApproval,
  type ExplainedTerms,
  type Explanation,
  ruleKind,
  type StepOutcome,
  type TrailStep,
} from "./explain.ts";
import type { ConditionOutcome } from "./condition_outcome.ts";
import { effectText } from "./order.ts";
import { ANY_ISSUER } from "./question.ts";
import { counted, line, type Line, oneLine, span, type Tone } from "./spans.ts";

type Decided = Extract<Explanation, { kind: "decided" }>;

export function explanationLines(explanation: Explanation, showsAll: boolean): readonly Line[] {
  if (explanation.kind === "refused")
    return [line(span("refused before any rule is asked", "bad"), `: ${explanation.reason}`)];
  return [
    ...decisionLines(explanation),
    line(),
    ...askedLines(explanation),
    line(),
    ...trailLines(explanation, showsAll),
  ];
}

function toneOf(effect: TrailStep["effect"]): Tone {
  return effect === "allow" ? "good" : effect === "deny" ? "bad" : "warn";
}

function decisionLines({ decision, approval, terms, why, next, trail, principal }: Decided): readonly Line[] {
  const lines: Line[] = [line(span(why, toneOf(decision.effect)))];
  if (decision.effect !== "allow" && decision.message !== null)
    lines.push(line(span("  the caller is told: ", "dim"), decision.message));
  if (approval !== null) lines.push(...approvalLines(approval, principal.subject));
  if (terms !== null) lines.push(line(span(`  ${termsText(terms)}`, "dim")));
  const decider = trail.find(({ outcome }) => outcome.kind === "decides");
  if (decider !== undefined && next === null && decision.effect !== "deny")
    lines.push(line(span(`  without ${decider.rule}: denied by default`, "dim")));
  if (decider !== undefined && next !== null)
    lines.push(
      line(span(`  without ${decider.rule}: ${effectText(next.effect)} by ${next.rule} (line ${next.line})`, "dim")),
    );
  return lines;
}

function approvalLines({ terms, isAmongApprovers, mayBreakGlass }: ExplainedApproval, asking: string): readonly Line[] {
  const [who = "", ...more] = approveTexts(terms);
  return [
    line(`  ${who}`),
    ...(isAmongApprovers ? [line(span(`  not ${asking}, who asks for it`, "dim"))] : []),
    ...more.map((text) => line(span(`  ${text}`, "dim"))),
    ...(mayBreakGlass ? [line(span(`  ${asking} may go on without`, "warn"), span(", giving a reason", "dim"))] : []),
  ];
}

function termsText({ record, maskedToCaller }: ExplainedTerms): string {
  const recorded =
    typeof record === "object"
      ? `${record.head} bytes of bodies recorded`
      : record === "full"
        ? "bodies recorded in full"
        : "bodies not recorded";
  return maskedToCaller.length === 0
    ? recorded
    : `${recorded}; masked towards the caller: ${maskedToCaller.join(", ")}`;
}

function askedLines({ principal, roles, asked }: Decided): readonly Line[] {
  const through = principal.actors.map(({ subject }) => `, through ${subject}`).join("");
  const issuer = principal.issuer === ANY_ISSUER ? ", of an issuer left open" : ` of ${principal.issuer}`;
  const target = asked.query === "" ? asked.path : `${asked.path}?${asked.query}`;
  return [
    line(span("who     ", "dim"), span(principal.subject, "strong"), `${issuer}${through}`),
    line(span("groups  ", "dim"), principal.groups.length === 0 ? "none" : principal.groups.join(", ")),
    line(span("roles   ", "dim"), roles.length === 0 ? "none" : roles.join(", ")),
    line(span("asks    ", "dim"), span(`${asked.method} ${target}`, "strong"), ` on ${asked.connection}`),
  ];
}

/** Steps that say something about this command; the others are counted, or shown as well. */
function isAbout({ outcome }: TrailStep): boolean {
  return outcome.kind !== "other_connection" && outcome.kind !== "other_method" && outcome.kind !== "other_route";
}

function trailLines({ trail }: Decided, showsAll: boolean): readonly Line[] {
  const steps = showsAll ? trail : trail.filter(isAbout);
  const width = Math.max(0, ...steps.map(({ rule }) => rule.length));
  const kinds = Math.max(0, ...steps.map((step) => ruleKind(step).length));
  const places = Math.max(0, ...steps.map((step) => String(step.line).length));
  const left = trail.length - steps.length;
  const none = trail.length === 0 ? "the policy has no rules" : "no rule is about this connection, method and route";
  return [
    line(span(steps.length === 0 ? none : "rules, in the order in which they are considered", "dim")),
    ...steps.map((step) => {
      const [mark, tone] = markOf(step);
      const place = span(`line ${String(step.line).padEnd(places)}`, "dim");
      return line(
        span(`  ${mark} `, tone),
        span(step.rule.padEnd(width), isAbout(step) ? "plain" : "dim"),
        "  ",
        place,
        "  ",
        span(ruleKind(step).padEnd(kinds), tone),
        `  ${outcomeText(step.outcome)}`,
      );
    }),
    ...(left === 0
      ? []
      : [line(span(`  and ${counted(left, "rule")} about other connections, methods or routes (--all)`, "dim"))]),
  ];
}

function markOf({ outcome, effect }: TrailStep): readonly [mark: string, tone: Tone] {
  switch (outcome.kind) {
    case "decides":
      return ["▶", toneOf(effect)];
    case "comes_later":
      return ["·", "dim"];
    case "other_connection":
    case "other_method":
    case "other_route":
    case "other_people":
    case "condition_false":
      return ["·", "dim"];
    case "condition_failed":
      return ["!", "warn"];
  }
}

function outcomeText(outcome: StepOutcome): string {
  switch (outcome.kind) {
    case "decides":
      return `decides${conditionText(outcome.condition)}`;
    case "comes_later":
      return `would decide if no rule before it did${conditionText(outcome.condition)}`;
    case "other_connection":
      return `for another connection: ${few(outcome.wants)}`;
    case "other_method":
      return `for another method: ${few(outcome.wants)}`;
    case "other_route":
      return `for another route: ${few(outcome.wants)}`;
    case "other_people":
      return `for other people: ${few(outcome.wants)}`;
    case "condition_false":
      return `its condition is false: ${oneLine(outcome.part)}`;
    case "condition_failed":
      return `its condition cannot be computed, so it does not allow: ${oneLine(outcome.part)}`;
  }
}

function conditionText(condition: ConditionOutcome): string {
  switch (condition.kind) {
    case "none":
      return "";
    case "true":
      return `: its condition is true: ${oneLine(condition.expression)}`;
    case "false":
      return `: its condition is false: ${oneLine(condition.part)}`;
    case "failed":
      return `: its condition cannot be computed, which denies: ${oneLine(condition.part)}`;
    case "unreadable":
      return `: its condition reads the body, and that is refused: ${condition.reason}`;
  }
}

function few(wants: readonly string[]): string {
  return wants.length <= 4
    ? wants.join(", ")
    : `${wants.slice(0, 3).join(", ")} and ${counted(wants.length - 3, "more", "more")}`;
}
