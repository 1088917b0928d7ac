// "Who may do this?": for one command, who gets which effect by which rule, as far as the policy alone
// says. Who is in a group, and what a condition will find, only the call shows: both are named, never
// guessed at. So a grant says "if", and "unless" names each rule that may still take it.

import type { ApprovalTerms } from "../../approval/terms.ts";
import { isMessageMethod } from "../../protocol/http/methods.ts";
import { looseSegments, matchesRoute } from "../route.ts";
import type { PolicyRule } from "../rule.ts";
import type { Policy } from "../policy.ts";
import { approveTexts } from "./approve_text.ts";
import { concernsConnection, effectText, inOrder } from "./order.ts";
import { readTarget, type TargetProblem } from "./read_target.ts";
import { counted, line, type Line, oneLine, span } from "./spans.ts";
import { coversPart, roleTable, type WhoPart, whoParts, whoText } from "./who_parts.ts";

export interface Grant {
  readonly effect: PolicyRule["effect"];
  readonly who: WhoPart;
  readonly rule: string;
  readonly line: number;
  /** Who has to approve, and on what terms; null where nobody has to. */
  readonly approve: ApprovalTerms | null;
  /** CEL: the grant holds where this holds. Null: always. */
  readonly condition: string | null;
  /** Considered before it, with another effect: whoever they concern has that in place of this. */
  readonly unless: readonly Taker[];
  /** How many more such rules there are. */
  readonly more: number;
}

/** Of rules that may take a grant, so many are named: who writes more of them looks at each of them anyway. */
const MAX_TAKERS = 20;

export interface Taker {
  readonly effect: PolicyRule["effect"];
  readonly rule: string;
  readonly line: number;
  readonly who: readonly WhoPart[];
  readonly condition: string | null;
}

export type WhoMay =
  | { readonly kind: "refused"; readonly reason: TargetProblem | "unknown_connection" }
  | { readonly kind: "grants"; readonly grants: readonly Grant[] };

/** In the order in which rules are considered. Whoever is in no grant is denied by default. */
export function whoMay(policy: Policy, connection: string, method: string, target: string): WhoMay {
  const read = readTarget(connection, method, target);
  if (!read.ok) return { kind: "refused", reason: read.reason };
  const settings = policy.connections.get(read.value.connection);
  if (settings === undefined) return { kind: "refused", reason: "unknown_connection" };
  if (isMessageMethod(method) && settings.protocol !== "websocket") return { kind: "refused", reason: "no_messages" };
  const table = roleTable(policy.roles);
  const rules = inOrder(policy.rules).filter((rule) => isAbout(policy, rule, connection, method, read.value.segments));
  const grants: Grant[] = [];
  const before: PolicyRule[] = [];
  for (const rule of rules) {
    for (const who of whoParts(rule)) {
      // What an unconditional rule has decided for all of these, no later one decides.
      if (before.some((one) => one.when === null && coversPart(table, one, who))) continue;
      const takers = before.filter((one) => one.effect !== rule.effect);
      grants.push({
        effect: rule.effect,
        who,
        rule: rule.id,
        line: rule.line,
        approve: rule.approve,
        condition: conditionOf(rule),
        unless: takers.slice(0, MAX_TAKERS).map(takerOf),
        more: Math.max(0, takers.length - MAX_TAKERS),
      });
    }
    before.push(rule);
  }
  return { kind: "grants", grants };
}

/** Whether a rule concerns a command, whoever sends it. */
export function isAbout(
  policy: Policy,
  rule: PolicyRule,
  connection: string,
  method: string,
  segments: readonly string[],
): boolean {
  if (!concernsConnection(policy, rule, connection)) return false;
  if (!rule.methods.has("*") && !rule.methods.has(method)) return false;
  return matchesAsRead(rule, segments);
}

/** As `decide` reads a path: a deny rule also in the way of an upstream that merges slashes and cuts parameters. */
export function matchesAsRead(rule: PolicyRule, segments: readonly string[]): boolean {
  if (rule.routes.some((route) => matchesRoute(route, segments))) return true;
  const loose = rule.effect === "deny" ? looseSegments(segments) : null;
  return loose !== null && rule.routes.some((route) => matchesRoute(route, loose));
}

function conditionOf(rule: PolicyRule): string | null {
  return rule.when === null ? null : rule.when.text;
}

function takerOf(rule: PolicyRule): Taker {
  return { effect: rule.effect, rule: rule.id, line: rule.line, who: whoParts(rule), condition: conditionOf(rule) };
}

const HEADINGS = [
  { effect: "allow", tone: "good" },
  { effect: "needs_approval", tone: "warn" },
  { effect: "deny", tone: "bad" },
] as const;

export function whoMayLines(may: WhoMay): readonly Line[] {
  if (may.kind === "refused") return [line(span("nobody", "bad"), `: ${WHY_NOBODY[may.reason]}`)];
  const lines: Line[] = [];
  for (const { effect, tone } of HEADINGS) {
    const grants = may.grants.filter((grant) => grant.effect === effect);
    if (grants.length === 0) continue;
    lines.push(line(span(effectText(effect), tone)));
    for (const grant of grants) lines.push(...grantLines(grant));
  }
  lines.push(
    line(
      span(lines.length === 0 ? "nobody: no rule is about this" : "everybody else: denied, no rule allows it", "dim"),
    ),
  );
  return lines;
}

function grantLines(grant: Grant): readonly Line[] {
  const lines: Line[] = [
    line("  ", span(whoText(grant.who), "strong"), span(`  by ${grant.rule} (line ${grant.line})`, "dim")),
  ];
  if (grant.approve !== null) lines.push(line(`    ${approveTexts(grant.approve)[0] ?? ""}`));
  if (grant.condition !== null) lines.push(line("    if ", oneLine(grant.condition)));
  // A deny rule whose condition cannot be computed denies, so its "if" is wider than it reads.
  if (grant.condition !== null && grant.effect !== "allow")
    lines.push(line(span("       or if that cannot be computed, which denies", "dim")));
  for (const taker of grant.unless) {
    const who = taker.who.map(whoText);
    const people =
      who.length <= 4 ? who.join(", ") : `${who.slice(0, 3).join(", ")} and ${counted(who.length - 3, "more", "more")}`;
    const condition = taker.condition === null ? "" : `, if ${oneLine(taker.condition)}`;
    lines.push(
      line(
        span(
          `    unless ${taker.rule} (line ${taker.line}, ${effectText(taker.effect)}) concerns them: ${people}${condition}`,
          "dim",
        ),
      ),
    );
  }
  if (grant.more > 0) lines.push(line(span(`    and unless one of ${counted(grant.more, "more rule")} does`, "dim")));
  return lines;
}

const WHY_NOBODY: Readonly<Record<TargetProblem | "unknown_connection", string>> = {
  method_unknown: "the gateway does not forward this method",
  no_messages: "the connection has no messages: its protocol is http",
  target_malformed: "no client sends such a target, and the gateway refuses it",
  target_climbs: "the path could climb out of its connection, and the gateway refuses it",
  target_too_long: "the target is longer than the gateway takes",
  target_without_connection: "that is no connection's name",
  unknown_connection: "the policy has no such connection",
};
