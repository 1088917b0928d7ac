// What a policy is made of, after parsing.

import type { ApprovalTerms } from "../approval/terms.ts";
import type { HowRefused, Obligation } from "./decision.ts";
import type { RoutePattern } from "./route.ts";

export interface PolicyRule {
  readonly id: string;
  /** Where the rule begins in the file, both from 1. */
  readonly line: number;
  readonly column: number;
  /** Why the rule exists, for readers. */
  readonly description: string | null;
  readonly effect: "allow" | "deny" | "needs_approval";
  /** 0 to 1000; higher ones are asked first. */
  readonly priority: number;
  /** The rule concerns every valid principal; roles, groups and subjects are then empty. */
  readonly anyone: boolean;
  readonly roles: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  /** If given, `groups` count only from this issuer. */
  readonly issuer: string | null;
  readonly subjects: readonly { readonly issuer: string; readonly subject: string }[];
  /** `*` stands for every connection of the file, never for `console`. Empty if `labels` says which. */
  readonly connections: ReadonlySet<string>;
  /** Every connection that has all of these; null if `connections` says which. */
  readonly labels: readonly string[] | null;
  /** `*` stands for every method that can be forwarded, and for messages. */
  readonly methods: ReadonlySet<string>;
  readonly routes: readonly RoutePattern[];
  /** The condition beside all that; null if there is none. */
  readonly when: RuleCondition | null;
  /** Told to the caller when this rule denies. */
  readonly message: string | null;
  readonly obligations: readonly Obligation[];
  /** What a rule with the effect `needs_approval` asks for; null for every other. */
  readonly approve: ApprovalTerms | null;
  /** What becomes of a message that this rule denies; null: as its connection says. */
  readonly refused: HowRefused | null;
}

export interface RuleCondition {
  /** CEL, as it stands in the file. */
  readonly text: string;
  /** Where the text begins in the file, both from 1. */
  readonly line: number;
  readonly column: number;
  readonly readsBody: boolean;
}

export interface PolicyRole {
  readonly name: string;
  readonly groups: ReadonlySet<string>;
  /** If given, groups count only from this issuer. */
  readonly issuer: string | null;
  readonly subjects: readonly { readonly issuer: string; readonly subject: string }[];
}

/** Where notices go. */
export interface NotifyTarget {
  /** `webhook`: as Standard Webhooks say, signed; `slack`: `{"text": …}`, as Slack and its like take it. */
  readonly format: "webhook" | "slack";
  /** Null, with `slack` only: the secret is the URL, since whoever knows it may write there. */
  readonly url: string | null;
  /** Where that stands in the file, both from 1: what only a region's configuration can tell of it is said with its place. */
  readonly urlAt: { readonly line: number; readonly column: number };
  /** Name of the Worker's secret that signs, or that is the URL; null, with `slack` only, for none. */
  readonly secret: string | null;
}
