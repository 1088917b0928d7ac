// What a decision demands, in the form in which it is met: how much is recorded, what is masked towards
// the caller, what becomes of a refused message. Rules win over their connection.

import { type MaskPlan, maskPlan } from "../mask/mask_plan.ts";
import type { Decision, Extent, HowRefused, Obligation } from "./decision.ts";
import type { ConnectionSettings } from "./policy.ts";

/** How much of bodies and messages the record gets, both ways. */
export function extentOf(decision: Decision, settings: Pick<ConnectionSettings, "record">): Extent {
  for (const one of obligationsOf(decision)) if (one.kind === "record") return one.extent;
  return settings.record;
}

/** What is taken out of an answer, or of a received message, before the caller gets it; null if nothing is to be. */
export function callerPlan(decision: Decision, settings: Pick<ConnectionSettings, "masks">): MaskPlan | null {
  const rules = obligationsOf(decision).flatMap((one) => (one.kind === "mask" ? one.rules : []));
  if (rules.length === 0) return null;
  const key = [...rules].sort().join(" ");
  const plans = compiled.get(settings.masks) ?? new Map<string, MaskPlan>();
  compiled.set(settings.masks, plans);
  const plan = plans.get(key) ?? maskPlan(settings.masks, new Set(rules));
  plans.set(key, plan);
  return plan;
}

/** By a policy's own masks: patterns are costly to compile, and a policy has few such lists. */
const compiled = new WeakMap<ConnectionSettings["masks"], Map<string, MaskPlan>>();

/** What becomes of a message that the decision does not allow, or for which nobody gives the approval that it needs. */
export function howRefused(decision: Decision, settings: Pick<ConnectionSettings, "onRefused">): HowRefused {
  return decision.effect === "allow" ? settings.onRefused : (decision.refused ?? settings.onRefused);
}

function obligationsOf(decision: Decision): readonly Obligation[] {
  return decision.effect === "deny" ? [] : decision.obligations;
}
