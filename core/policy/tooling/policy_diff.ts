// What changes between two policies, by what they mean and not by how they are written: a file with
// other comments, quotes or order of members is the same policy. The order of rules counts, since
// among equals the first one is named.

import type { OwnMask } from "../../mask/mask_plan.ts";
import type { Extent } from "../decision.ts";
import type { ConnectionSettings, Policy } from "../policy.ts";
import type { NotifyTarget, PolicyRole, PolicyRule } from "../rule.ts";
import { approveMembers } from "./approve_text.ts";
import { commandKey, decided, exampleKey, type ExampleDecision, runExample } from "./examples.ts";
import { movedBetween } from "./moved.ts";
import { effectText } from "./order.ts";
import { routeText } from "./route_covers.ts";
import { whoParts, whoText } from "./who_parts.ts";

/** What a member held and holds, value by value; empty where it was or is absent. */
export interface MemberChange {
  readonly member: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface NamedChange {
  readonly name: string;
  readonly members: readonly MemberChange[];
}

export interface PartDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly NamedChange[];
}

export interface ExampleChange {
  readonly name: string;
  readonly before: ExampleDecision;
  readonly after: ExampleDecision;
}

export interface PolicyDiff {
  /** Nothing changes but comments and layout. */
  readonly isSame: boolean;
  readonly description: MemberChange | null;
  readonly roles: PartDiff;
  readonly persons: MemberChange | null;
  readonly notify: PartDiff;
  readonly masks: PartDiff;
  readonly connections: PartDiff;
  /** `moved`: rules that stand elsewhere among those that were there before. */
  readonly rules: PartDiff & { readonly moved: readonly string[] };
  /** Added, removed and changed examples, by name. */
  readonly examples: PartDiff;
  /** Examples of either policy that the two decide differently. */
  readonly effects: readonly ExampleChange[];
}

/** `now` in milliseconds: the time of examples that name none. */
export function diffPolicies(before: Policy, after: Policy, now: number): PolicyDiff {
  const description = memberChange("description", listed(before.description), listed(after.description));
  const roles = diffPart(before.roles, after.roles, ({ name }) => name, roleMembers);
  const persons = memberChange("persons", personTexts(before), personTexts(after));
  const notify = diffPart([...before.notify], [...after.notify], ([name]) => name, notifyMembers);
  const connections = diffPart(
    [...before.connections.values()],
    [...after.connections.values()],
    ({ name }) => name,
    connectionMembers,
  );
  const masks = diffPart(before.masks, after.masks, ({ id }) => id, maskMembers);
  const rules = diffPart(before.rules, after.rules, ({ id }) => id, ruleMembers);
  const moved = movedBetween(
    before.rules.map(({ id }) => id),
    after.rules.map(({ id }) => id),
  );
  const examples = diffPart(
    before.examples,
    after.examples,
    ({ name }) => name,
    (example) => ({
      example: [exampleKey(example)],
    }),
  );
  const isUnchanged = [roles, notify, masks, connections, rules, examples].every(
    (part) => part.added.length + part.removed.length + part.changed.length === 0,
  );
  return {
    isSame: isUnchanged && moved.length === 0 && description === null && persons === null,
    description,
    roles,
    persons,
    notify,
    masks,
    connections,
    rules: { ...rules, moved },
    examples,
    effects: effectsOf(before, after, now),
  };
}

type Members = Readonly<Record<string, readonly string[]>>;

function diffPart<T>(
  before: readonly T[],
  after: readonly T[],
  nameOf: (one: T) => string,
  membersOf: (one: T) => Members,
): PartDiff {
  const old = new Map(before.map((one) => [nameOf(one), one]));
  const fresh = new Map(after.map((one) => [nameOf(one), one]));
  const changed: NamedChange[] = [];
  for (const [name, one] of fresh) {
    const previous = old.get(name);
    if (previous === undefined) continue;
    const [was, is] = [membersOf(previous), membersOf(one)];
    const members = Object.keys(is).flatMap(
      (member) => memberChange(member, was[member] ?? [], is[member] ?? []) ?? [],
    );
    if (members.length > 0) changed.push({ name, members });
  }
  return {
    added: [...fresh.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !fresh.has(name)),
    changed,
  };
}

function memberChange(member: string, before: readonly string[], after: readonly string[]): MemberChange | null {
  const isSame = before.length === after.length && before.every((value, index) => value === after[index]);
  return isSame ? null : { member, before, after };
}

function listed(value: string | null): readonly string[] {
  return value === null ? [] : [value];
}

function ruleMembers(rule: PolicyRule): Members {
  return {
    description: listed(rule.description),
    effect: [effectText(rule.effect)],
    priority: [String(rule.priority)],
    who: whoParts(rule).map(whoText).sort(),
    connections:
      rule.labels === null ? [...rule.connections].sort() : [`labels ${rule.labels.toSorted().join(" and ")}`],
    methods: [...rule.methods].sort(),
    // Not sorted: of two routes that match, the first gives a condition its captures.
    routes: rule.routes.map(routeText),
    when: listed(rule.when?.text ?? null),
    message: listed(rule.message),
    obligations: rule.obligations.map(obligationText),
    refused: listed(rule.refused),
    approve: rule.approve === null ? [] : approveMembers(rule.approve),
  };
}

function obligationText(obligation: PolicyRule["obligations"][number]): string {
  switch (obligation.kind) {
    case "mask":
      return `mask ${obligation.rules.toSorted().join(", ")}`;
    case "record":
      return `record ${extentText(obligation.extent)}`;
  }
}

function extentText(extent: Extent): string {
  return typeof extent === "string" ? extent : `head ${extent.head}`;
}

function maskMembers({ fields, pattern, keywords, pseudonym }: OwnMask): Members {
  return {
    fields: fields.toSorted(),
    pattern: listed(pattern),
    keywords: keywords.toSorted(),
    pseudonym: [String(pseudonym)],
  };
}

/** In whichever order they stand. */
function personTexts({ persons }: Policy): readonly string[] {
  return persons
    .map((identities) =>
      identities
        .map(({ issuer, subject }) => `${subject} of ${issuer}`)
        .toSorted()
        .join(" is "),
    )
    .toSorted();
}

function notifyMembers([, { format, url, secret }]: readonly [string, NotifyTarget]): Members {
  return { format: [format], url: listed(url), secret: listed(secret) };
}

function roleMembers(role: PolicyRole): Members {
  return {
    who: whoParts({ ...role, anyone: false, roles: new Set() })
      .map(whoText)
      .sort(),
  };
}

function connectionMembers(connection: ConnectionSettings): Members {
  const { credential } = connection;
  return {
    protocol: [connection.protocol],
    upstream: [connection.upstream],
    region: [connection.region],
    // The secret's name: the policy holds no secret itself.
    credential: credential === null ? [] : [JSON.stringify(credential)],
    labels: connection.labels.toSorted(),
    timeout_seconds: [String(connection.timeoutSeconds)],
    session_seconds: [String(connection.sessionSeconds)],
    idle_seconds: [String(connection.idleSeconds)],
    json_limit: [String(connection.jsonLimit)],
    record: [extentText(connection.record)],
    unreadable: [connection.unreadable],
    ...(connection.protocol === "websocket"
      ? {
          message_limit: [String(connection.messageLimit)],
          on_refused: [connection.onRefused],
          silence_seconds: connection.silenceSeconds === null ? [] : [String(connection.silenceSeconds)],
        }
      : { message_limit: [], on_refused: [], silence_seconds: [] }),
    framing: typeof connection.framing === "string" ? [connection.framing] : connection.framing.toSorted(),
    browser: [String(connection.browser)],
  };
}

function effectsOf(before: Policy, after: Policy, now: number): readonly ExampleChange[] {
  const keys = new Set(after.examples.map(commandKey));
  const all = [...after.examples, ...before.examples.filter((example) => !keys.has(commandKey(example)))];
  return all.flatMap((example) => {
    const [was, is] = [decided(runExample(before, example, now)), decided(runExample(after, example, now))];
    return was.effect === is.effect && was.rule === is.rule ? [] : [{ name: example.name, before: was, after: is }];
  });
}
