// decide: a pure function of the policy and the command. Rules of higher priority are asked first;
// within one priority deny beats needs-approval beats allow, and among equals the first in the file is
// the one named. No rule: deny. Never throws.

import type { Principal } from "../auth/principal.ts";
import type { Header } from "../mask/mask_headers.ts";
import type { BodyRefusal, BodyView } from "./body.ts";
import { Scope } from "./cel/scope.ts";
import { FAILED } from "./cel/values.ts";
import { isMessageMethod } from "../protocol/http/methods.ts";
import { type CompiledRule, type CompiledRules, denial, methodBit } from "./compile.ts";
import { type Condition, evaluate, MAX_STEPS } from "./condition.ts";
import type { Decision } from "./decision.ts";
import type { MessageView } from "./message.ts";
import type { Policy } from "./policy.ts";
import { looseSegments, matchesRoute } from "./route.ts";
import type { PolicyRole } from "./rule.ts";

export interface Question {
  readonly principal: Principal;
  readonly roles: ReadonlySet<string>;
  readonly connection: string;
  readonly method: string;
  /** Segments of the raw path, see `routeSegments` in core/protocol/http/target.ts. */
  readonly segments: readonly string[];
  /** Raw path inside the connection. */
  readonly path: string;
  /** Raw query without `?`. */
  readonly query: string;
  /** As the caller sent them, names in lower case. */
  readonly headers: readonly Header[];
  /** The caller's address as the platform says, or null. */
  readonly address: string | null;
  readonly region: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly body: BodyView;
  /** What is asked about is a message of a WebSocket; null for a request. */
  readonly message: MessageView | null;
}

/** The decision needs the body: read at most so many bytes of it, then ask again with what was read. */
export interface NeedsBody {
  readonly effect: "needs_body";
  readonly limit: number;
}

export function decide(policy: Policy, asked: Question): Decision | NeedsBody {
  const { byConnection, noRule, unknownConnection } = policy.compiled;
  const connection = byConnection.get(asked.connection);
  if (connection === undefined) return unknownConnection;
  // Whatever `*` says: what is no message is none by its name, and a message is no request.
  if (isMessageMethod(asked.method) !== (asked.message !== null)) return noRule;
  if (asked.message !== null && connection.settings.protocol !== "websocket") return noRule;
  const bit = methodBit(asked.method);
  const fits = new Fits(policy.compiled, asked);
  let scope: Scope | null = null;
  for (const one of connection.rules) {
    if ((one.methods & bit) === 0 || !fits.person(one) || !fits.path(one)) continue;
    if (one.condition === null) return one.decision;
    if (one.condition.readsBody) {
      if (asked.body.kind === "unread") return { effect: "needs_body", limit: connection.settings.jsonLimit };
      if (asked.body.kind === "refused") return refusedBody(one, asked.body.reason);
    }
    scope ??= new Scope(asked, connection.settings, MAX_STEPS);
    const holds = isMet(one, one.condition, scope, fits);
    if (holds === true) return one.decision;
    if (holds === FAILED && one.failed !== null) return one.failed;
  }
  return noRule;
}

const UNKNOWN = 0;
const YES = 1;
const NO = 2;

/** Whether rules fit a command, but for their conditions. What many rules say alike is looked at once. */
class Fits {
  readonly #asked: Question;
  readonly #persons: Uint8Array;
  readonly #paths: Uint8Array;
  readonly #strict: readonly (readonly string[])[];
  #both: readonly (readonly string[])[] | null = null;

  constructor({ whos, paths }: CompiledRules, asked: Question) {
    this.#asked = asked;
    this.#strict = [asked.segments];
    this.#persons = new Uint8Array(whos);
    // Twice: as it stands, and in either reading.
    this.#paths = new Uint8Array(2 * paths);
  }

  person(one: CompiledRule): boolean {
    const known = this.#persons[one.who];
    if (known !== UNKNOWN) return known === YES;
    const fits = concerns(one, this.#asked.principal, this.#asked.roles);
    this.#persons[one.who] = fits ? YES : NO;
    return fits;
  }

  path(one: CompiledRule): boolean {
    const at = 2 * one.path + (one.rule.effect === "deny" ? 1 : 0);
    const known = this.#paths[at];
    if (known !== UNKNOWN) return known === YES;
    const fits = this.readings(one).some((segments) => matches(one, segments));
    this.#paths[at] = fits ? YES : NO;
    return fits;
  }

  /**
   * The path's segments, and for a deny rule also as a lenient upstream may read them: one that merges
   * slashes or cuts path parameters must not be a way around it.
   */
  readings({ rule }: CompiledRule): readonly (readonly string[])[] {
    if (rule.effect !== "deny") return this.#strict;
    if (this.#both === null) {
      const loose = looseSegments(this.#asked.segments);
      this.#both = loose === null ? this.#strict : [this.#asked.segments, loose];
    }
    return this.#both;
  }
}

/** What a rule would have read is not there to be read: whatever its effect, nobody knows whether it holds. */
function refusedBody({ decision: { policy }, rule }: CompiledRule, reason: BodyRefusal): Decision {
  return denial(policy, rule, reason);
}

/** Whether the rule is about this person. */
export function concerns(
  { rule, roles: wanted, subjects }: CompiledRule,
  principal: Principal,
  roles: ReadonlySet<string>,
): boolean {
  if (rule.anyone) return true;
  for (const role of wanted) if (roles.has(role)) return true;
  if (rule.groups.size > 0 && (rule.issuer === null || rule.issuer === principal.issuer)) {
    for (const group of principal.groups) if (rule.groups.has(group)) return true;
  }
  return subjects.get(principal.issuer)?.has(principal.subject) === true;
}

function matches({ rule }: CompiledRule, segments: readonly string[]): boolean {
  for (const route of rule.routes) if (matchesRoute(route, segments)) return true;
  return false;
}

/**
 * Whether the condition holds. A rule with several routes stands for as many rules: one that reads
 * what a route captured is asked for each route that matches, and in each reading of the path.
 */
function isMet(one: CompiledRule, condition: Condition, scope: Scope, fits: Fits): boolean | typeof FAILED {
  if (!condition.readsRoute) return evaluate(condition, scope);
  let met: boolean | typeof FAILED = false;
  for (const segments of fits.readings(one)) {
    for (const route of one.rule.routes) {
      // The only one, in the only reading, has matched already.
      const isOnly = one.rule.routes.length === 1 && one.rule.effect !== "deny";
      if (!isOnly && !matchesRoute(route, segments)) continue;
      scope.pattern = route;
      scope.segments = segments;
      const holds = evaluate(condition, scope);
      if (holds === true) return true;
      if (holds === FAILED) met = FAILED;
    }
  }
  return met;
}

/**
 * The roles of a principal. Who acts for somebody gets that person's roles only: an actor chain
 * (RFC 8693 §4.1) never adds any. A group counts only from the issuer that a role is bound to, since
 * another issuer's group of the same name is other people.
 */
export function rolesOf(
  roles: readonly PolicyRole[],
  principal: Principal,
  firstAdmin: { readonly issuer: string; readonly subject: string } | null,
): ReadonlySet<string> {
  const held = new Set<string>();
  for (const role of roles) {
    const byGroup =
      (role.issuer === null || role.issuer === principal.issuer) &&
      principal.groups.some((group) => role.groups.has(group));
    const bySubject = role.subjects.some((one) => one.issuer === principal.issuer && one.subject === principal.subject);
    if (byGroup || bySubject) held.add(role.name);
  }
  if (firstAdmin !== null && firstAdmin.issuer === principal.issuer && firstAdmin.subject === principal.subject)
    held.add("admin");
  return held;
}
