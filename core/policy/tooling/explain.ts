// "What would happen if alice did this?": the decision, and each rule in the order in which rules are
// considered, with why it decided or did not. The decision is `decide`'s own; the trail is walked here,
// and tests hold that both name the same rule.

import type { ApprovalTerms } from "../../approval/terms.ts";
import type { Principal } from "../../auth/principal.ts";
import { approvalTerms, mayBreakGlass, slotsOf } from "../approvers.ts";
import type { Question } from "../decide.ts";
import type { ConnectionName } from "../../ids.ts";
import { type Decision, explainDecision, type Extent } from "../decision.ts";
import { extentOf } from "../obligations.ts";
import type { Policy } from "../policy.ts";
import type { PolicyRule } from "../rule.ts";
import { conditionOutcome, type ConditionOutcome } from "./condition_outcome.ts";
import { concernsConnection, effectText, inOrder } from "./order.ts";
import { questionOf, decideQuestion, type Described } from "./question.ts";
import type { TargetProblem } from "./read_target.ts";
import { routeText } from "./route_covers.ts";
import { matchesAsRead } from "./who_may.ts";
import { whoParts, whoText } from "./who_parts.ts";

export interface TrailStep {
  readonly rule: string;
  readonly line: number;
  readonly effect: PolicyRule["effect"];
  readonly priority: number;
  readonly outcome: StepOutcome;
}

/** The first that does not fit is named: a rule about another connection says nothing of who may. */
export type StepOutcome =
  | { readonly kind: "decides"; readonly condition: ConditionOutcome }
  /** It would decide, had no rule before it. */
  | { readonly kind: "comes_later"; readonly condition: ConditionOutcome }
  | {
      readonly kind: "other_connection" | "other_method" | "other_route" | "other_people";
      readonly wants: readonly string[];
    }
  /** `part` is the first of its parts that is false. */
  | { readonly kind: "condition_false"; readonly expression: string; readonly part: string }
  /** The condition of an allow rule could not be computed: it does not allow. */
  | { readonly kind: "condition_failed"; readonly expression: string; readonly part: string };

export interface ExplainedTerms {
  readonly record: Extent;
  /** Names of masks. */
  readonly maskedToCaller: readonly string[];
}

export interface ExplainedApproval {
  readonly terms: ApprovalTerms;
  /** Whoever asks is among those who approve, and still never approves this. */
  readonly isAmongApprovers: boolean;
  /** Whoever asks may go on without, and have it reviewed. */
  readonly mayBreakGlass: boolean;
}

export type Explanation =
  | { readonly kind: "refused"; readonly reason: TargetProblem }
  | {
      readonly kind: "decided";
      readonly decision: Decision;
      /** Who has to approve, and on what terms; null where nobody has to. */
      readonly approval: ExplainedApproval | null;
      /** What is done with what is allowed, at once or by people; null where nothing is. */
      readonly terms: ExplainedTerms | null;
      /** One line. */
      readonly why: string;
      readonly principal: Principal;
      readonly roles: readonly string[];
      readonly asked: {
        readonly connection: string;
        readonly method: string;
        readonly path: string;
        readonly query: string;
      };
      readonly trail: readonly TrailStep[];
      /** The rule that would decide without the one that does; null if none would. */
      readonly next: { readonly rule: string; readonly line: number; readonly effect: PolicyRule["effect"] } | null;
    };

/** `now` in milliseconds, for a question that names no time. */
export function explain(policy: Policy, described: Described, now: number): Explanation {
  const read = questionOf(policy, described, now);
  if (!read.ok) return { kind: "refused", reason: read.reason };
  const asked = read.value;
  const decision = decideQuestion(policy, asked);
  const trail = trailOf(policy, asked);
  const later = trail.find(({ outcome }) => outcome.kind === "comes_later");
  return {
    kind: "decided",
    decision,
    approval: approvalOf(policy, asked, decision),
    terms: termsOf(policy, asked, decision),
    why: explainDecision(decision),
    principal: asked.principal,
    roles: [...asked.roles].sort(),
    asked: { connection: asked.connection, method: asked.method, path: asked.path, query: asked.query },
    trail,
    next: later === undefined ? null : { rule: later.rule, line: later.line, effect: later.effect },
  };
}

function termsOf(policy: Policy, { connection }: Question, decision: Decision): ExplainedTerms | null {
  const settings = policy.connections.get(connection as ConnectionName);
  if (decision.effect === "deny" || settings === undefined) return null;
  const maskedToCaller = decision.obligations.flatMap((one) => (one.kind === "mask" ? one.rules : []));
  return { record: extentOf(decision, settings), maskedToCaller };
}

function approvalOf(policy: Policy, { principal, roles }: Question, decision: Decision): ExplainedApproval | null {
  const terms = decision.effect === "needs_approval" ? approvalTerms(policy, decision.rule) : null;
  if (terms === null) return null;
  return {
    terms,
    isAmongApprovers: slotsOf(terms, principal, roles).length > 0,
    mayBreakGlass: mayBreakGlass(terms, principal, roles),
  };
}

function trailOf(policy: Policy, asked: Question): readonly TrailStep[] {
  let isDecided = false;
  return inOrder(policy.rules).map((rule) => {
    const outcome = stepOutcome(policy, rule, asked, isDecided);
    if (outcome.kind === "decides") isDecided = true;
    return { rule: rule.id, line: rule.line, effect: rule.effect, priority: rule.priority, outcome };
  });
}

function stepOutcome(policy: Policy, rule: PolicyRule, asked: Question, isDecided: boolean): StepOutcome {
  if (!concernsConnection(policy, rule, asked.connection)) {
    const wants = rule.labels === null ? [...rule.connections] : rule.labels.map((label) => `label ${label}`);
    return { kind: "other_connection", wants };
  }
  if (!rule.methods.has("*") && !rule.methods.has(asked.method))
    return { kind: "other_method", wants: [...rule.methods] };
  if (!matchesAsRead(rule, asked.segments)) return { kind: "other_route", wants: rule.routes.map(routeText) };
  if (!isAmong(rule, asked)) return { kind: "other_people", wants: whoParts(rule).map(whoText) };
  const condition = conditionOutcome(policy, rule, asked);
  switch (condition.kind) {
    case "false":
      return { kind: "condition_false", expression: condition.expression, part: condition.part };
    case "failed":
      // What cannot be known is decided against: a deny rule denies, and so does one that needs an approval.
      if (rule.effect === "allow")
        return { kind: "condition_failed", expression: condition.expression, part: condition.part };
      break;
    case "none":
    case "true":
    case "unreadable":
      break;
  }
  return { kind: isDecided ? "comes_later" : "decides", condition };
}

function isAmong(rule: PolicyRule, { principal, roles }: Question): boolean {
  if (rule.anyone || [...rule.roles].some((role) => roles.has(role))) return true;
  const isFromIssuer = rule.issuer === null || rule.issuer === principal.issuer;
  if (isFromIssuer && principal.groups.some((group) => rule.groups.has(group))) return true;
  return rule.subjects.some((one) => one.issuer === principal.issuer && one.subject === principal.subject);
}

/** `deny`, `priority 10 allow`: what a step's rule is. */
export function ruleKind({ effect, priority }: TrailStep): string {
  return priority === 0 ? effectText(effect) : `${effectText(effect)} at priority ${priority}`;
}
