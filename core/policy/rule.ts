// What a policy is made of, after parsing.

import type { RoutePattern } from "./route.ts";

export interface PolicyRule {
  readonly id: string;
  readonly effect: "allow" | "deny";
  readonly roles: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  /** If given, `groups` count only from this issuer. */
  readonly issuer: string | null;
  readonly subjects: readonly { readonly issuer: string; readonly subject: string }[];
  /** `*` stands for every connection of the file, never for `console`. */
  readonly connections: ReadonlySet<string>;
  /** `*` stands for every method that can be forwarded. */
  readonly methods: ReadonlySet<string>;
  readonly routes: readonly RoutePattern[];
}

export interface PolicyRole {
  readonly name: string;
  readonly groups: ReadonlySet<string>;
  /** If given, groups count only from this issuer. */
  readonly issuer: string | null;
  readonly subjects: readonly { readonly issuer: string; readonly subject: string }[];
}
